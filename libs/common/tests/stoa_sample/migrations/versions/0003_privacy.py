from alembic import op

from stoa_common import tables

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    tables.privacy_0001(op)
