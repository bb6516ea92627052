"""What people see of their sessions, and the log of revocations."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("sessions", sa.Column("device", sa.Text))
    op.add_column("sessions", sa.Column("last_used_at", sa.DateTime(timezone=True)))
    op.create_table(
        "revocations",
        sa.Column("number", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_revocations"),
    )
    op.create_index("ix_revocations_expires_at", "revocations", ["expires_at"])
    op.create_table(
        "revocation_counter",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revocation_counter"),
        sa.CheckConstraint("id = 1", name="ck_revocation_counter_one_row"),
    )
    op.execute("INSERT INTO revocation_counter VALUES (1, 0)")
