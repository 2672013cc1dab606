"""Keep no words of what is done, and note the videos that are still to be deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Spelled out, not imported from tables.py: tables change, released migrations do not."""
    op.create_table("forgotten", sa.Column("video_id", sa.Text, primary_key=True))
    video_id = sa.Column("video_id", sa.Text, nullable=False, server_default="")
    op.add_column("requests", video_id)
    op.execute("UPDATE outbox SET draft = '' WHERE finished AND shown = revision")
    _strip_requests()


def _strip_requests() -> None:
    """In Python: the databases write JSON differently."""
    requests = sa.table(
        "requests",
        sa.column("number", sa.Integer),
        sa.column("done", sa.Boolean),
        sa.column("request", sa.JSON),
        sa.column("video_id", sa.Text),
    )
    connection = op.get_bind()
    for number, done, request in connection.execute(
        sa.select(requests.c.number, requests.c.done, requests.c.request)
    ).all():
        kept = {"kind": request["kind"]} if done else request
        change = requests.update().where(requests.c.number == number)
        connection.execute(change.values(video_id=request["video_id"], request=kept))
