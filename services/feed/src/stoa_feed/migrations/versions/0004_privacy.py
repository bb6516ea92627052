"""Whom the service has begun to forget."""

from alembic import op

from stoa_common import tables

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    tables.privacy_0001(op)
