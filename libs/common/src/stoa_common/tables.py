"""The shared tables as numbered functions that each service's Alembic revision calls.

A function is never edited once a revision that calls it has been released; what changes later is a new function.
"""

from importlib.resources import files
from typing import Protocol

from sqlalchemy import Connection


class Operations(Protocol):
    """Alembic's `op`, the module."""

    def execute(self, sqltext: str) -> None: ...

    def get_bind(self) -> Connection: ...


EVENT_LOG_PARTITIONS_AHEAD = 7

_OUTBOX_0001 = (
    """CREATE TABLE event_log (
        recorded_at timestamptz NOT NULL, id uuid NOT NULL, topic text NOT NULL, key text NOT NULL, type text NOT NULL,
        sequence bigint NOT NULL, organization_id uuid, headers jsonb NOT NULL, data text NOT NULL,
        PRIMARY KEY (recorded_at, id)
    ) PARTITION BY RANGE (recorded_at)""",
    "CREATE INDEX ix_event_log_key ON event_log (topic, key, sequence)",
    """CREATE TABLE outbox (
        position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, shard smallint NOT NULL, key text NOT NULL,
        event_id uuid NOT NULL, recorded_at timestamptz NOT NULL, failed_at timestamptz, error text
    )""",
    "CREATE INDEX ix_outbox_shard ON outbox (shard, position)",
    "CREATE TABLE outbox_shards (shard smallint PRIMARY KEY)",
    "INSERT INTO outbox_shards SELECT generate_series(0, 7)",
    """CREATE TABLE aggregate_versions (
        topic text NOT NULL, key text NOT NULL, version bigint NOT NULL, PRIMARY KEY (topic, key)
    )""",
    # The service's role may not create tables; this function may, for it, and only these.
    """CREATE FUNCTION make_event_log_partitions(days_ahead integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
    DECLARE
        day date; made integer := 0; name text;
    BEGIN
        FOR day IN SELECT generate_series(current_date - 1, current_date + days_ahead, '1 day')::date LOOP
            name := 'event_log_' || to_char(day, 'YYYYMMDD');
            IF to_regclass(name) IS NULL THEN
                EXECUTE format(
                    'CREATE TABLE %I PARTITION OF event_log FOR VALUES FROM (%L) TO (%L)',
                    name, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
                made := made + 1;
            END IF;
        END LOOP;
        RETURN made;
    END $$""",
    f"SELECT make_event_log_partitions({EVENT_LOG_PARTITIONS_AHEAD})",
)

_INBOX_0001 = (
    """CREATE TABLE inbox (
        consumer text NOT NULL, event_id uuid NOT NULL, handled_at timestamptz NOT NULL,
        PRIMARY KEY (consumer, event_id)
    )""",
    "CREATE INDEX ix_inbox_handled_at ON inbox (handled_at)",
    """CREATE TABLE consumer_marks (
        consumer text NOT NULL, topic text NOT NULL, key text NOT NULL, sequence bigint NOT NULL,
        PRIMARY KEY (consumer, topic, key)
    )""",
    """CREATE TABLE parked (
        position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, consumer text NOT NULL, topic text NOT NULL,
        partition integer NOT NULL, "offset" bigint NOT NULL, key text NOT NULL, headers jsonb NOT NULL, value bytea,
        state text NOT NULL, attempts integer NOT NULL, error text NOT NULL, parked_at timestamptz NOT NULL,
        next_try_at timestamptz NOT NULL
    )""",
    "CREATE INDEX ix_parked_line ON parked (consumer, topic, key, position)",
    """CREATE TABLE bad_events (
        consumer text NOT NULL, topic text NOT NULL, partition integer NOT NULL, "offset" bigint NOT NULL,
        headers jsonb NOT NULL, value bytea, error text NOT NULL, found_at timestamptz NOT NULL,
        PRIMARY KEY (consumer, topic, partition, "offset")
    )""",
)

_REQUESTS_0001 = (
    """CREATE TABLE idempotency_keys (
        organization_id uuid NOT NULL, person_id uuid NOT NULL, route text NOT NULL, key text NOT NULL,
        body_hash bytea NOT NULL, status smallint, headers jsonb, body bytea, created_at timestamptz NOT NULL,
        PRIMARY KEY (organization_id, person_id, route, key)
    )""",
    "CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at)",
)

_PERSONAL_KEYS_0001 = (
    """CREATE TABLE personal_keys (
        person_id uuid PRIMARY KEY, kid text NOT NULL UNIQUE, key bytea, destroyed_at timestamptz
    )""",
)

_JOBS_0001 = (
    """CREATE TABLE jobs (
        id uuid PRIMARY KEY, kind text NOT NULL, organization_id uuid NOT NULL, person_id uuid NOT NULL,
        status text NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
        progress double precision NOT NULL DEFAULT 0, step text NOT NULL DEFAULT '', arguments jsonb NOT NULL,
        result jsonb, problem jsonb, correlation_id text, traceparent text, created_at timestamptz NOT NULL,
        started_at timestamptz, ended_at timestamptz
    )""",
    "CREATE INDEX ix_jobs_person ON jobs (organization_id, person_id, id)",
)

_PRIVACY_0001 = (
    "CREATE TABLE erasures_due (person_id uuid PRIMARY KEY, requested_at timestamptz NOT NULL, erased_at timestamptz)",
)
_INBOX_0002 = (
    # Before there was an index against it, a kill between parking and the offset could park a record twice.
    """DELETE FROM parked later USING parked earlier
        WHERE later.consumer = earlier.consumer AND later.topic = earlier.topic AND later.partition = earlier.partition
        AND later."offset" = earlier."offset" AND later.position > earlier.position""",
    "ALTER TABLE parked ADD COLUMN edited_at timestamptz, ADD COLUMN replay_id uuid",
    # A replayed record lies at a place of the group's replay topic, and has the name of the topic that it was first on.
    """CREATE UNIQUE INDEX uq_parked_record ON parked (consumer, topic, partition, "offset")
        WHERE replay_id IS NULL""",
    """CREATE UNIQUE INDEX uq_parked_replayed ON parked (consumer, partition, "offset")
        WHERE replay_id IS NOT NULL""",
    """CREATE TABLE consumer_groups (
        consumer text PRIMARY KEY, types text[] NOT NULL, needs_rebuild boolean NOT NULL, rebuilding uuid
    )""",
    """CREATE TABLE replays (
        id uuid PRIMARY KEY, consumer text NOT NULL, topics text[] NOT NULL, types text[] NOT NULL, key text,
        recorded_from timestamptz, recorded_until timestamptz, rate integer NOT NULL CHECK (rate > 0),
        is_rebuild boolean NOT NULL,
        state text NOT NULL CHECK (state IN ('requested', 'running', 'completed', 'cancelled', 'failed')),
        reason text NOT NULL DEFAULT '', requested_at timestamptz NOT NULL, started_at timestamptz,
        ended_at timestamptz
    )""",
    "CREATE UNIQUE INDEX uq_replays_active ON replays (consumer) WHERE state IN ('requested', 'running')",
    """CREATE TABLE replay_counts (
        replay_id uuid NOT NULL REFERENCES replays ON DELETE CASCADE, partition integer NOT NULL,
        last_offset bigint NOT NULL, handled bigint NOT NULL, duplicate bigint NOT NULL, stale bigint NOT NULL,
        parked bigint NOT NULL, skipped bigint NOT NULL, PRIMARY KEY (replay_id, partition)
    )""",
    """CREATE TABLE replay_ends (
        replay_id uuid NOT NULL REFERENCES replays ON DELETE CASCADE, publisher text NOT NULL,
        partition integer NOT NULL, partitions integer NOT NULL, sent bigint NOT NULL,
        PRIMARY KEY (replay_id, publisher, partition)
    )""",
    """CREATE TABLE offset_resets (
        id uuid PRIMARY KEY, consumer text NOT NULL, topic text NOT NULL, partition integer,
        place text NOT NULL CHECK (place IN ('earliest', 'latest', 'time')), place_time timestamptz,
        partitions integer, requested_at timestamptz NOT NULL, cancelled_at timestamptz,
        CHECK ((place = 'time') = (place_time IS NOT NULL))
    )""",
    """CREATE TABLE offset_reset_partitions (
        reset_id uuid NOT NULL REFERENCES offset_resets ON DELETE CASCADE, partition integer NOT NULL,
        "offset" bigint NOT NULL, applied_at timestamptz, PRIMARY KEY (reset_id, partition)
    )""",
)

_OUTBOX_0002 = (
    # As its sibling that makes them: the service's role may drop days of this one table, and only whole days.
    """CREATE FUNCTION drop_event_log_partitions(days_kept integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
    DECLARE
        name text; dropped integer := 0;
    BEGIN
        IF days_kept < 1 THEN
            RAISE EXCEPTION 'at least one day is kept';
        END IF;
        FOR name IN SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'event_log'::regclass LOOP
            IF right(name, 8) < to_char(current_date - days_kept, 'YYYYMMDD') THEN
                EXECUTE format('DROP TABLE %I', name);
                dropped := dropped + 1;
            END IF;
        END LOOP;
        RETURN dropped;
    END $$""",
    # The relay asks at each round which keys are blocked; they are few, or none.
    "CREATE INDEX ix_outbox_refused ON outbox (shard, key) WHERE failed_at IS NOT NULL",
    # A queue is all dead rows: left to the defaults, its index grows with what was published, not with what waits.
    """ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0)""",
    # Which transaction recorded an event: what committed late is then told from what was there, whatever the clocks
    # said. Rows from before have none and were all committed, for this statement waits for writers. After a restore
    # from a logical dump, set it to null: another server counts its transactions anew.
    "ALTER TABLE event_log ADD COLUMN transaction_id xid8",
    "ALTER TABLE event_log ALTER COLUMN transaction_id SET DEFAULT pg_current_xact_id()",
    """CREATE TABLE republications (
        replay_id uuid PRIMARY KEY, consumer text NOT NULL, topics text[] NOT NULL, types text[] NOT NULL, key text,
        recorded_from timestamptz, recorded_until timestamptz, rate integer NOT NULL CHECK (rate > 0),
        state text NOT NULL CHECK (state IN ('running', 'ended', 'cancelled')), snapshot text,
        topic_index integer NOT NULL DEFAULT 0, after_key text NOT NULL DEFAULT '',
        after_sequence bigint NOT NULL DEFAULT 0, after_id uuid NOT NULL, sent bigint NOT NULL DEFAULT 0,
        next_page_at timestamptz NOT NULL, stored_at timestamptz NOT NULL, ended_at timestamptz
    )""",
)


def outbox_0001(op: Operations) -> None:
    """`event_log` (by day), the queue, its shards, and each aggregate's version."""
    _run(op, _OUTBOX_0001)


def inbox_0001(op: Operations) -> None:
    """The inbox with its marks, what is parked, and what a batch could not read."""
    _run(op, _INBOX_0001)


def inbox_0002(op: Operations) -> None:
    """Replays, rebuilds and offset resets of the service's groups; a record is parked once, and may be edited."""
    _run(op, _INBOX_0002)


def outbox_0002(op: Operations) -> None:
    """What is republished for other groups' replays, and which transaction recorded each event."""
    _run(op, _OUTBOX_0002)


def requests_0001(op: Operations) -> None:
    """Idempotency keys with the answers that they stand for."""
    _run(op, _REQUESTS_0001)


def personal_keys_0001(op: Operations) -> None:
    """A key for each person about whom the service publishes personal fields."""
    _run(op, _PERSONAL_KEYS_0001)


def jobs_0001(op: Operations) -> None:
    """Long work, as callers see it, and procrastinate's own tables behind it."""
    _run(op, _JOBS_0001)
    schema = files("procrastinate").joinpath("sql/schema.sql").read_text()
    # Past SQLAlchemy, which would read the colons and percent signs in these functions as parameters.
    cursor = op.get_bind().connection.cursor()
    cursor.execute(schema)


def privacy_0001(op: Operations) -> None:
    """Whom the service has begun to forget, until nothing can bring them back."""
    _run(op, _PRIVACY_0001)


def all_0001(op: Operations) -> None:
    """Everything that a service with requests, events and jobs needs."""
    for make in (outbox_0001, inbox_0001, requests_0001, personal_keys_0001, jobs_0001):
        make(op)


def _run(op: Operations, statements: tuple[str, ...]) -> None:
    for statement in statements:
        op.execute(statement)
