"""The shared tables, and enrollments."""

from alembic import op

from stoa_common import tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    tables.all_0001(op)
    op.execute("CREATE TABLE enrollments (id uuid PRIMARY KEY, lessons integer NOT NULL)")
