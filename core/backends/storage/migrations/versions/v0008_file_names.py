"""Keep a file's name with the channel that sent it, and take it from what all channels share.

Whose name an older store holds is not written there: the channel that has known the file longest
keeps it, and others, to whom it may be a stranger's, see the file's id.
"""

from __future__ import annotations

import hashlib
from pathlib import PurePath
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_videos = sa.table("videos", sa.column("id", sa.Text), sa.column("video", sa.JSON))
_library = sa.table(
    "library",
    sa.column("id", sa.Integer),
    sa.column("channel", sa.Text),
    sa.column("video_id", sa.Text),
    sa.column("file_name", sa.Text),
    sa.column("search_title", sa.Text),
)
_summaries = sa.table(
    "summaries",
    sa.column("video_id", sa.Text),
    sa.column("recipe", sa.Text),
    sa.column("summary", sa.JSON),
)
_chunkings = sa.table("chunkings", sa.column("video_id", sa.Text), sa.column("recipe", sa.Text))
_chunks = sa.table(
    "chunks",
    sa.column("video_id", sa.Text),
    sa.column("number", sa.Integer),
    sa.column("heading", sa.Text),
)
_revisions = sa.table("revisions", sa.column("channel", sa.Text), sa.column("revision", sa.Text))


def upgrade() -> None:
    """Spelled out, not imported from tables.py: tables change, released migrations do not."""
    file_name = sa.Column("file_name", sa.Text, nullable=False, server_default="")
    op.add_column("library", file_name)
    query = sa.select(_videos).where(_videos.c.id.like("file-%"))
    for video_id, video in op.get_bind().execute(query).all():
        if name := video.get("file_name", ""):
            _give_to_first_channel(video_id, name)
            unnamed = video | {"title": "", "file_name": ""}
            _change(_videos, _videos.c.id == video_id, video=unnamed)
            title = PurePath(name).stem
            _strip_summaries(video_id, title)
            _strip_headings(video_id, title)


def _give_to_first_channel(video_id: str, name: str) -> None:
    row = _library.c
    entries = sa.select(row.id, row.channel).where(row.video_id == video_id).order_by(row.id)
    for n, (entry, channel) in enumerate(op.get_bind().execute(entries).all()):
        own = name if n == 0 else ""
        shown = PurePath(own).stem or video_id
        _change(_library, row.id == entry, file_name=own, search_title=shown.casefold())
        _change(_revisions, _revisions.c.channel == channel, revision=f"0008 {video_id}")


def _strip_summaries(video_id: str, title: str) -> None:
    """Take the title from where the program itself has put it."""
    c = _summaries.c
    query = sa.select(c.recipe, c.summary).where(c.video_id == video_id)
    for recipe, summary in op.get_bind().execute(query).all():
        topic = summary["topic"].removeprefix(f"{title}: ")
        stripped = summary | {
            "topic": "…" if topic == title else topic,
            "chapters": [_without(title, chapter) for chapter in summary["chapters"]],
        }
        _change(_summaries, (c.video_id == video_id) & (c.recipe == recipe), summary=stripped)


def _without(title: str, chapter: dict[str, Any]) -> dict[str, Any]:
    return chapter | {"title": "…"} if chapter["title"] == title else chapter


def _strip_headings(video_id: str, title: str) -> None:
    """Take the title from the chunks. Another recipe lets the search caches read them again."""
    c, v = _chunks.c, _chunkings.c
    query = sa.select(c.number, c.heading).where(c.video_id == video_id)
    for number, heading in op.get_bind().execute(query).all():
        stripped = heading.removeprefix(title).removeprefix(" · ")
        _change(_chunks, (c.video_id == video_id) & (c.number == number), heading=stripped)
    recipe = op.get_bind().scalar(sa.select(v.recipe).where(v.video_id == video_id))
    if recipe is not None:
        digest, _, embedder = recipe.partition(" ")
        other = hashlib.sha256(digest.encode()).hexdigest()[:16]
        _change(_chunkings, v.video_id == video_id, recipe=f"{other} {embedder}")


def _change(table: sa.TableClause, which: sa.ColumnElement[bool], **values: object) -> None:
    op.get_bind().execute(table.update().where(which).values(**values))
