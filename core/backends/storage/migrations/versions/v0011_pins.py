"""Let channels pin videos, which retention then leaves alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Spelled out, not imported from tables.py: tables change, released migrations do not."""
    pinned = sa.Column("pinned", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("library", pinned)
