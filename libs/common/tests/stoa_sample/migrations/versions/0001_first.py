"""The shared tables, and notes."""

import sqlalchemy as sa
from alembic import op

from stoa_common import tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    tables.all_0001(op)
    op.create_table(
        "notes",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.CheckConstraint("text <> 'fails at commit'", name="refused_late"),
    )
    # Deferred, so that it is the commit that fails, after the route has answered.
    op.execute("CREATE TABLE pairs (a integer UNIQUE DEFERRABLE INITIALLY DEFERRED)")
