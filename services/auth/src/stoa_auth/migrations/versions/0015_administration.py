"""Operators find people by the beginning of their address, the words of their name, and who is suspended."""

from alembic import op

revision = "0015"
down_revision = "0014"

_INDEXES = (
    # In byte order, whatever the database's locale: that is what finds a beginning.
    "CREATE INDEX ix_people_email_prefix ON people (email text_pattern_ops)",
    "CREATE INDEX ix_people_name_words ON people USING gin (to_tsvector('simple', coalesce(name, '')))",
    "CREATE INDEX ix_people_suspended ON people (id) WHERE suspended_at IS NOT NULL",
    "CREATE INDEX ix_sessions_impersonator_id ON sessions (impersonator_id) WHERE impersonator_id IS NOT NULL",
)


def upgrade() -> None:
    for statement in _INDEXES:
        op.execute(statement)
