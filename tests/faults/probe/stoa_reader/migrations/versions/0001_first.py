"""The shared tables, and what the reader makes of events."""

from alembic import op

from stoa_common import tables

revision = "0001"
down_revision = None

OWN = (
    """CREATE TABLE effects (
        position bigint GENERATED ALWAYS AS IDENTITY, event_id uuid PRIMARY KEY, command_id uuid NOT NULL,
        topic text NOT NULL, key text NOT NULL, sequence bigint NOT NULL, times integer NOT NULL
    )""",
    "CREATE INDEX ix_effects_command_id ON effects (command_id)",
    """CREATE TABLE totals (
        topic text NOT NULL, key text NOT NULL, events integer NOT NULL, points integer NOT NULL,
        last_sequence bigint NOT NULL, PRIMARY KEY (topic, key)
    )""",
    """CREATE TABLE copies (
        topic text NOT NULL, partition integer NOT NULL, "offset" bigint NOT NULL, event_id uuid NOT NULL,
        digest text NOT NULL, PRIMARY KEY (topic, partition, "offset")
    )""",
    "CREATE TABLE switches (name text PRIMARY KEY, value text NOT NULL)",
)


def upgrade() -> None:
    tables.all_0001(op)
    for statement in OWN:
        op.execute(statement)
