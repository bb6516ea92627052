"""Verified addresses, mail with its tokens, and counts of failed log-ins."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("people", sa.Column("email_verified_at", sa.DateTime(timezone=True)))
    _create_mails()
    _create_mail_tokens()
    op.create_table(
        "log_in_attempts",
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("failures", sa.Double, nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("free_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("succeeded_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("key", name="pk_log_in_attempts"),
    )
    op.create_index("ix_log_in_attempts_counted_at", "log_in_attempts", ["counted_at"])


def _create_mails() -> None:
    op.create_table(
        "mails",
        sa.Column("id", sa.Uuid, nullable=False),
        _person("mails", nullable=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("problem", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_mails"),
        sa.CheckConstraint("state IN ('asked', 'ready', 'sent', 'kept', 'failed')", name="ck_mails_state"),
    )
    op.create_index("ix_mails_person_id", "mails", ["person_id", "kind", "created_at"])
    waiting = sa.text("state IN ('asked', 'ready')")
    op.create_index("ix_mails_waiting", "mails", ["state", "due_at"], postgresql_where=waiting)


def _create_mail_tokens() -> None:
    op.create_table(
        "mail_tokens",
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        _person("mail_tokens", nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_mail_tokens"),
    )
    op.create_index("ix_mail_tokens_person_id", "mail_tokens", ["person_id"])


def _person(table: str, *, nullable: bool) -> "sa.Column[object]":
    person = sa.ForeignKey("people.id", name=f"fk_{table}_person_id", ondelete="CASCADE")
    return sa.Column("person_id", sa.Uuid, person, nullable=nullable)
