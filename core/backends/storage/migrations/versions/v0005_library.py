"""Add revisions of channels and searchable titles, so that no lookup reads a whole channel."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Spelled out, not imported from tables.py: tables change, released migrations do not."""
    op.create_table(
        "revisions",
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("revision", sa.Text, nullable=False),
    )
    op.execute(
        "INSERT INTO revisions (channel, revision) SELECT DISTINCT channel, '0' FROM library"
    )
    title = sa.Column("search_title", sa.Text, nullable=False, server_default="")
    op.add_column("library", title)
    _fill_titles()
    op.create_index("library_newest", "library", ["channel", "id"])


def _fill_titles() -> None:
    """In Python: no database folds case as it does."""
    videos = sa.table("videos", sa.column("id", sa.Text), sa.column("video", sa.JSON))
    library = sa.table("library", sa.column("video_id"), sa.column("search_title"))
    connection = op.get_bind()
    for video_id, title in connection.execute(
        sa.select(videos.c.id, videos.c.video["title"].as_string())
    ).all():
        change = library.update().where(library.c.video_id == video_id)
        connection.execute(change.values(search_title=(title or video_id).casefold()))
