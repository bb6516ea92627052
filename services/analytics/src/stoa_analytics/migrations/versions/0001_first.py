"""The shared tables: outbox, inbox, requests, personal keys, jobs."""

from alembic import op

from stoa_common import tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    tables.all_0001(op)
