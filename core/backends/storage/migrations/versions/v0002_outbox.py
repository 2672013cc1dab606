"""Create the outbox: messages that people will see."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Spelled out, not imported from tables.py: tables change, released migrations do not."""
    texts = ("platform", "key", "place", "draft", "kind", "owner", "parent", "target")
    numbers = ("attempt", "revision", "shown")
    op.create_table(
        "outbox",
        sa.Column("number", sa.Integer, sa.Identity(), primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in texts),
        *(sa.Column(name, sa.Integer, nullable=False) for name in numbers),
        sa.Column("finished", sa.Boolean, nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("platform", "key"),
    )
