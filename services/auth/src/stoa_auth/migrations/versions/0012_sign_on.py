"""Sign-on by an organization's own OpenID provider: connections, proved domains, identities, and what is under way."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("organizations", sa.Column("requires_sign_on", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_table(
        "sign_on_connections",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary, nullable=False),
        sa.Column("scopes", ARRAY(sa.Text), nullable=False),
        sa.Column("default_roles", ARRAY(sa.Text), nullable=False),
        sa.Column("roles_claim", sa.Text),
        sa.Column("role_mapping", JSONB, nullable=False),
        sa.Column("admits_newcomers", sa.Boolean, nullable=False),
        sa.Column("is_enabled", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sign_on_connections"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_sign_on_connections_organization_id"
        ),
    )
    op.create_index("ix_sign_on_connections_organization_id", "sign_on_connections", ["organization_id"])
    op.create_table(
        "sign_on_domains",
        sa.Column("domain", sa.Text, nullable=False),
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("proved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("domain", name="pk_sign_on_domains"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_sign_on_domains_organization_id"),
    )
    op.create_index("ix_sign_on_domains_organization_id", "sign_on_domains", ["organization_id"])
    op.create_table(
        "sign_on_identities",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("connection_id", sa.Uuid, nullable=False),
        sa.Column("provider_subject", sa.Text, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_sign_on_identities"),
        sa.UniqueConstraint(
            "connection_id", "provider_subject", name="uq_sign_on_identities_connection_id_provider_subject"
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["sign_on_connections.id"],
            name="fk_sign_on_identities_connection_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name="fk_sign_on_identities_person_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_sign_on_identities_person_id", "sign_on_identities", ["person_id"])
    op.create_table(
        "sign_on_attempts",
        sa.Column("state_hash", sa.LargeBinary, nullable=False),
        sa.Column("browser_hash", sa.LargeBinary, nullable=False),
        sa.Column("connection_id", sa.Uuid, nullable=False),
        sa.Column("return_to", sa.Text),
        sa.Column("app_link", sa.Text),
        sa.Column("app_state", sa.Text),
        sa.Column("app_challenge", sa.Text),
        sa.Column("person_id", sa.Uuid),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name="pk_sign_on_attempts"),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["sign_on_connections.id"], name="fk_sign_on_attempts_connection_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_sign_on_attempts_person_id", ondelete="CASCADE"),
    )
    op.create_index("ix_sign_on_attempts_connection_id", "sign_on_attempts", ["connection_id"])
    op.create_index("ix_sign_on_attempts_person_id", "sign_on_attempts", ["person_id"])
    op.create_index("ix_sign_on_attempts_expires_at", "sign_on_attempts", ["expires_at"])
    op.create_table(
        "sign_on_codes",
        sa.Column("code_hash", sa.LargeBinary, nullable=False),
        sa.Column("challenge", sa.Text, nullable=False),
        sa.Column("connection_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("methods", ARRAY(sa.Text), nullable=False),
        sa.Column("authenticated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("code_hash", name="pk_sign_on_codes"),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["sign_on_connections.id"], name="fk_sign_on_codes_connection_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_sign_on_codes_person_id", ondelete="CASCADE"),
    )
    op.create_index("ix_sign_on_codes_connection_id", "sign_on_codes", ["connection_id"])
    op.create_index("ix_sign_on_codes_person_id", "sign_on_codes", ["person_id"])
    op.create_index("ix_sign_on_codes_expires_at", "sign_on_codes", ["expires_at"])
