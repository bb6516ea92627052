"""Replays, rebuilds and offset resets, and what they need of the tables that every service has."""

from alembic import op

from stoa_common import tables

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    tables.inbox_0002(op)
    tables.outbox_0002(op)
