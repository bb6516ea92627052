"""What directories say by SCIM: users, groups, and who is in which."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "scim_users",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid),
        sa.Column("user_name", sa.Text, nullable=False),
        sa.Column("attributes", JSONB, nullable=False),
        sa.Column("search", JSONB, nullable=False),
        sa.Column("invitation_id", sa.Uuid),
        sa.Column("active", sa.Boolean),
        sa.Column("provisioned", sa.Boolean, nullable=False),
        sa.Column("granted_roles", ARRAY(sa.Text), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_scim_users"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_scim_users_organization_id"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_scim_users_person_id", ondelete="CASCADE"),
        sa.UniqueConstraint("organization_id", "user_name", name="uq_scim_users_organization_id_user_name"),
        sa.UniqueConstraint("organization_id", "person_id", name="uq_scim_users_organization_id_person_id"),
    )
    op.create_index("ix_scim_users_person_id", "scim_users", ["person_id"])
    op.create_table(
        "scim_groups",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("attributes", JSONB, nullable=False),
        sa.Column("search", JSONB, nullable=False),
        sa.Column("role", sa.Text),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_scim_groups"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_scim_groups_organization_id"),
    )
    op.create_index("ix_scim_groups_organization_id", "scim_groups", ["organization_id"])
    op.create_table(
        "scim_group_members",
        sa.Column("group_id", sa.Uuid, nullable=False),
        sa.Column("scim_user_id", sa.Uuid, nullable=False),
        sa.PrimaryKeyConstraint("group_id", "scim_user_id", name="pk_scim_group_members"),
        sa.ForeignKeyConstraint(
            ["group_id"], ["scim_groups.id"], name="fk_scim_group_members_group_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["scim_user_id"], ["scim_users.id"], name="fk_scim_group_members_scim_user_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_scim_group_members_scim_user_id", "scim_group_members", ["scim_user_id"])
    op.create_table(
        "scim_hours",
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accounts", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "began_at", name="pk_scim_hours"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_scim_hours_organization_id"),
    )
