"""Note which server a channel is in, and when the bot left it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Spelled out, not imported from tables.py: tables change, released migrations do not."""
    op.create_table(
        "memberships",
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("server", sa.Text, nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True)),
    )
