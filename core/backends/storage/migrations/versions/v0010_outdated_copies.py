"""Note when copies of the store hold what was forgotten since."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Spelled out, not imported from tables.py: tables change, released migrations do not."""
    op.create_table(
        "outdated_copies",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("deletion", sa.Text, nullable=False),
    )
