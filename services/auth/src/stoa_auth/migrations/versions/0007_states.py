"""What a session was opened by and for, and who is suspended."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    for table in ("people", "organizations", "memberships"):
        op.add_column(table, sa.Column("suspended_at", sa.DateTime(timezone=True)))
    op.alter_column("people", "password_hash", nullable=True)
    op.add_column("sessions", sa.Column("methods", postgresql.ARRAY(sa.Text), nullable=False, server_default="{pwd}"))
    op.alter_column("sessions", "methods", server_default=None)
    op.add_column("sessions", sa.Column("authenticated_at", sa.DateTime(timezone=True)))
    op.execute("UPDATE sessions SET authenticated_at = opened_at")
    op.alter_column("sessions", "authenticated_at", nullable=False)
    op.add_column("sessions", sa.Column("client_id", sa.Text))
    op.add_column("sessions", sa.Column("scopes", postgresql.ARRAY(sa.Text)))
    op.add_column("sessions", sa.Column("impersonator_id", sa.Uuid))
    op.add_column("sessions", sa.Column("ends_at", sa.DateTime(timezone=True)))
