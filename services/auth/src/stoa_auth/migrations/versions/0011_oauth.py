"""OAuth clients, the codes they redeem, what people allowed them; and signing keys of several algorithms."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("signing_keys", sa.Column("algorithm", sa.Text, nullable=False, server_default="EdDSA"))
    op.alter_column("signing_keys", "algorithm", server_default=None)
    _clients()
    _codes()
    _consents()


def _clients() -> None:
    op.create_table(
        "oauth_clients",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("organization_id", sa.Uuid),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("confidential", sa.Boolean, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary),
        sa.Column("replaced_secret_hash", sa.LargeBinary),
        sa.Column("replaced_secret_until", sa.DateTime(timezone=True)),
        sa.Column("redirect_uris", ARRAY(sa.Text), nullable=False),
        sa.Column("post_logout_redirect_uris", ARRAY(sa.Text), nullable=False),
        sa.Column("grants", ARRAY(sa.Text), nullable=False),
        sa.Column("scopes", ARRAY(sa.Text), nullable=False),
        sa.Column("id_token_algorithm", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_oauth_clients"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_oauth_clients_organization_id"),
    )
    op.create_index("ix_oauth_clients_organization_id", "oauth_clients", ["organization_id"])


def _codes() -> None:
    op.create_table(
        "authorization_codes",
        sa.Column("code_hash", sa.LargeBinary, nullable=False),
        sa.Column("client_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("organization_id", sa.Uuid),
        sa.Column("browser_session_id", sa.Uuid, nullable=False),
        sa.Column("redirect_uri", sa.Text, nullable=False),
        sa.Column("scopes", ARRAY(sa.Text), nullable=False),
        sa.Column("challenge", sa.Text, nullable=False),
        sa.Column("nonce", sa.Text),
        sa.Column("methods", ARRAY(sa.Text), nullable=False),
        sa.Column("authenticated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.Column("session_id", sa.Uuid),
        sa.PrimaryKeyConstraint("code_hash", name="pk_authorization_codes"),
        sa.ForeignKeyConstraint(
            ["client_id"], ["oauth_clients.id"], name="fk_authorization_codes_client_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name="fk_authorization_codes_person_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_authorization_codes_client_id", "authorization_codes", ["client_id"])
    op.create_index("ix_authorization_codes_person_id", "authorization_codes", ["person_id"])


def _consents() -> None:
    op.create_table(
        "oauth_consents",
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("client_id", sa.Uuid, nullable=False),
        sa.Column("scopes", ARRAY(sa.Text), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "client_id", name="pk_oauth_consents"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_oauth_consents_person_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["client_id"], ["oauth_clients.id"], name="fk_oauth_consents_client_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_oauth_consents_client_id", "oauth_consents", ["client_id"])
