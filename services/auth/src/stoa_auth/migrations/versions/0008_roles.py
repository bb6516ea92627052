"""Owners, organizations' own roles, and invitations to one address."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0008"
down_revision = "0007"

#: Who founded an organization was its admin: of its admins the one who joined first owns it from now on.
_OWNERS = """
UPDATE memberships SET roles = array_replace(memberships.roles, 'admin', 'owner')
FROM (
    SELECT DISTINCT ON (organization_id) organization_id, person_id FROM memberships WHERE 'admin' = ANY (roles)
    ORDER BY organization_id, joined_at, person_id
) AS first
WHERE memberships.organization_id = first.organization_id AND memberships.person_id = first.person_id
"""


def upgrade() -> None:
    op.create_table(
        "organization_roles",
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("permissions", ARRAY(sa.Text), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "name", name="pk_organization_roles"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_organization_roles_organization_id"
        ),
    )
    op.add_column("invitations", sa.Column("email", sa.Text))
    op.execute(_OWNERS)
