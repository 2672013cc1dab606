"""Create the tables of requests, bindings, buttons, settings and usage."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Spelled out, not imported from tables.py: tables change, released migrations do not."""
    op.create_table(
        "requests",
        sa.Column("number", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        *_texts("platform", "channel"),
        sa.Column("done", sa.Boolean, nullable=False),
        sa.Column("request", sa.JSON, nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
    )
    rooms = _texts("channel", "video_id", "thread")
    op.create_table("rooms", *_keys("platform", "place", "message_id"), *rooms)
    buttons = _texts("channel", "video_id", "action", "text")
    op.create_table("buttons", *_keys("id"), *buttons)
    op.create_index("buttons_video", "buttons", ["channel", "video_id"])
    op.create_table("settings", *_keys("scope"), sa.Column("habits", sa.JSON, nullable=False))
    op.create_table(
        "usage",
        *_keys("scope", "kind"),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("used", sa.Integer, nullable=False),
        sa.Column("told", sa.Boolean, nullable=False),
    )


def _keys(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text, primary_key=True) for name in names]


def _texts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]
