"""Note with each turn who asked, so that a person's questions can be deleted.

Who asked the earlier ones is not known.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Spelled out, not imported from tables.py: tables change, released migrations do not."""
    op.add_column("turns", sa.Column("person", sa.Text, nullable=False, server_default=""))
