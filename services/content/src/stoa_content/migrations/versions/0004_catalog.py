"""Courses that everybody may see, and the organizations that nobody acts for at the moment."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    # With a default, so that a replica of the release before can still import courses.
    op.add_column("courses", sa.Column("visibility", sa.String(20), nullable=False, server_default="organization"))
    op.create_check_constraint("ck_courses_visibility", "courses", "visibility IN ('organization', 'public')")
    op.create_index(
        "ix_courses_public",
        "courses",
        ["organization_id", "id"],
        postgresql_where=sa.text("status = 'published' AND visibility = 'public'"),
    )
    op.create_table(
        "suspended_organizations",
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", name="pk_suspended_organizations"),
    )
