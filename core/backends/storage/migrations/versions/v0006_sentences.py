"""Keep a vector of every sentence beside those of the chunks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Spelled out, not imported from tables.py: tables change, released migrations do not."""
    op.add_column("chunkings", sa.Column("sentence_vectors", sa.LargeBinary))
