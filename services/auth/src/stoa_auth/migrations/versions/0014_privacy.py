"""What people take with them, and which service has forgotten whom."""

import sqlalchemy as sa
from alembic import op

from stoa_common import tables

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    tables.privacy_0001(op)
    op.create_table(
        "person_exports",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("person_id", sa.Uuid, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("job_id", sa.Uuid, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True)),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, index=True),
    )
    op.create_table(
        "person_export_parts",
        sa.Column("export_id", sa.Uuid, sa.ForeignKey("person_exports.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("service", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "erasures",
        sa.Column("person_digest", sa.Text, primary_key=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_erasures_open", "erasures", ["requested_at"], postgresql_where=sa.text("completed_at IS NULL"))
    op.create_table(
        "erasure_completions",
        sa.Column("person_digest", sa.Text, primary_key=True),
        sa.Column("service", sa.Text, primary_key=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=False),
    )
