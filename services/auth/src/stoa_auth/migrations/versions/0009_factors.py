"""Second factors: authenticator apps, recovery codes and passkeys; and log-ins that wait for one."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "factors",
        sa.Column("id", sa.Uuid, nullable=False),
        _person(nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        _time("created_at", nullable=False),
        _time("confirmed_at"),
        _time("last_used_at"),
        sa.PrimaryKeyConstraint("id", name="pk_factors"),
        _of_person("factors"),
    )
    op.create_index("ix_factors_person_id", "factors", ["person_id"])
    op.create_table(
        "authenticators",
        sa.Column("factor_id", sa.Uuid, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("last_step", sa.BigInteger),
        sa.PrimaryKeyConstraint("factor_id", name="pk_authenticators"),
        _of_factor("authenticators"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("code_hash", sa.LargeBinary, nullable=False),
        _person(nullable=False),
        _time("made_at", nullable=False),
        _time("used_at"),
        sa.PrimaryKeyConstraint("code_hash", name="pk_recovery_codes"),
        _of_person("recovery_codes"),
    )
    op.create_index("ix_recovery_codes_person_id", "recovery_codes", ["person_id"])
    _create_passkeys()
    _create_challenges()


def _create_passkeys() -> None:
    op.create_table(
        "passkeys",
        sa.Column("factor_id", sa.Uuid, nullable=False),
        _person(nullable=False),
        sa.Column("credential_id", sa.LargeBinary, nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("sign_count", sa.BigInteger, nullable=False),
        sa.Column("transports", ARRAY(sa.Text), nullable=False),
        sa.Column("backup_eligible", sa.Boolean, nullable=False),
        sa.Column("backed_up", sa.Boolean, nullable=False),
        sa.Column("aaguid", sa.Uuid, nullable=False),
        sa.PrimaryKeyConstraint("factor_id", name="pk_passkeys"),
        sa.UniqueConstraint("credential_id", name="uq_passkeys_credential_id"),
        _of_factor("passkeys"),
        _of_person("passkeys"),
    )
    op.create_index("ix_passkeys_person_id", "passkeys", ["person_id"])


def _create_challenges() -> None:
    op.create_table(
        "passkey_challenges",
        sa.Column("challenge", sa.LargeBinary, nullable=False),
        _person(nullable=True),
        sa.Column("purpose", sa.Text, nullable=False),
        _time("expires_at", nullable=False),
        sa.PrimaryKeyConstraint("challenge", name="pk_passkey_challenges"),
        _of_person("passkey_challenges"),
    )
    op.create_index("ix_passkey_challenges_person_id", "passkey_challenges", ["person_id"])
    op.create_index("ix_passkey_challenges_expires_at", "passkey_challenges", ["expires_at"])
    op.create_table(
        "log_in_challenges",
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        _person(nullable=False),
        sa.Column("organization_id", sa.Uuid),
        sa.Column("methods", ARRAY(sa.Text), nullable=False),
        _time("expires_at", nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_log_in_challenges"),
        _of_person("log_in_challenges"),
    )
    op.create_index("ix_log_in_challenges_person_id", "log_in_challenges", ["person_id"])
    op.create_index("ix_log_in_challenges_expires_at", "log_in_challenges", ["expires_at"])


def _person(*, nullable: bool) -> sa.Column[object]:
    return sa.Column("person_id", sa.Uuid, nullable=nullable)


def _time(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _of_person(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=f"fk_{table}_person_id", ondelete="CASCADE")


def _of_factor(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["factor_id"], ["factors.id"], name=f"fk_{table}_factor_id", ondelete="CASCADE")
