"""Create the first tables: videos, what is made from them, channels and conversations."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Spelled out, not imported from tables.py: tables change, released migrations do not."""
    op.create_table(
        "videos",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("video", sa.JSON, nullable=False),
    )
    _made_of_a_video()
    _of_a_channel()


def _made_of_a_video() -> None:
    op.create_table(
        "transcripts",
        _parent("videos.id"),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("recipe", sa.Text, nullable=False),
    )
    op.create_table("segments", _parent("transcripts.video_id"), *_stretch())
    op.create_table(
        "summaries",
        _parent("videos.id"),
        sa.Column("recipe", sa.Text, primary_key=True),
        sa.Column("summary", sa.JSON, nullable=False),
    )
    op.create_table(
        "chunkings",
        _parent("videos.id"),
        sa.Column("recipe", sa.Text, nullable=False),
        sa.Column("vectors", sa.LargeBinary),
    )
    op.create_table(
        "chunks",
        _parent("chunkings.video_id"),
        *_stretch(),
        sa.Column("first", sa.Integer, nullable=False),
        sa.Column("last", sa.Integer, nullable=False),
        sa.Column("heading", sa.Text, nullable=False),
    )


def _of_a_channel() -> None:
    op.create_table(
        "library",
        sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("channel", sa.Text, nullable=False),
        _parent("videos.id", primary_key=False),
        _time("added_at"),
        sa.UniqueConstraint("channel", "video_id"),
    )
    op.create_index("library_video", "library", ["video_id"])
    op.create_table(
        "turns",
        sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("turn", sa.JSON, nullable=False),
        _time("asked_at"),
    )
    op.create_index("turns_thread", "turns", ["channel", "thread"])
    turn = sa.ForeignKey("turns.id", ondelete="CASCADE")
    op.create_table(
        "mentions", sa.Column("turn_id", sa.Integer, turn, primary_key=True), _parent("videos.id")
    )
    op.create_index("mentions_video", "mentions", ["video_id"])


def _parent(column: str, *, primary_key: bool = True) -> sa.Column[Any]:
    key = sa.ForeignKey(column, ondelete="CASCADE")
    return sa.Column("video_id", sa.Text, key, primary_key=primary_key, nullable=False)


def _stretch() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("start_s", sa.Double, nullable=False),
        sa.Column("end_s", sa.Double, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )


def _time(name: str) -> sa.Column[Any]:
    now = sa.func.now()
    return sa.Column(name, sa.DateTime(timezone=True), server_default=now, nullable=False)
