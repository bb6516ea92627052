"""What happened is recorded in the transaction that made it happen; the relay publishes it afterwards.

`add` is plain and early: it refuses what could never be published. `write` runs once, at the edge, just before the
commit: it seals personal fields, numbers each event within its aggregate, and fills `event_log` and the queue.
"""

import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from stoa_common import clock, context, telemetry
from stoa_common.ids import new_id
from stoa_common.outbox import sealing
from stoa_common.outbox.tables import SHARDS
from stoa_events.contract import REGISTRY, Event
from stoa_events.envelope import Envelope

MAX_BYTES = 900_000
_PENDING = "stoa_outbox"

# One round trip for all that a transaction recorded. The row of an aggregate's version, locked until the commit, keeps
# the aggregate's events in the order of their numbers; rows are locked in one order, so that two transactions never
# wait in a circle.
WRITE = text("""
WITH wanted AS (
    SELECT * FROM unnest(
        CAST(:ids AS uuid[]), CAST(:topics AS text[]), CAST(:keys AS text[]), CAST(:types AS text[]),
        CAST(:singles AS boolean[]), CAST(:organizations AS uuid[]), CAST(:headers AS text[]), CAST(:data AS text[]),
        CAST(:shards AS smallint[])
    ) WITH ORDINALITY AS w (id, topic, key, type, single, organization_id, headers, data, shard, place)
), versions AS (
    INSERT INTO aggregate_versions (topic, key, version)
    SELECT topic, key, count(*) FROM wanted WHERE NOT single GROUP BY topic, key ORDER BY topic, key
    ON CONFLICT (topic, key) DO UPDATE SET version = aggregate_versions.version + excluded.version
    RETURNING topic, key, version
), numbered AS (
    SELECT wanted.*, CASE WHEN single THEN 1
        ELSE versions.version - count(*) OVER of_key + row_number() OVER (of_key ORDER BY place) END AS sequence
    FROM wanted LEFT JOIN versions ON NOT single AND versions.topic = wanted.topic AND versions.key = wanted.key
    WINDOW of_key AS (PARTITION BY wanted.topic, wanted.key, single)
), logged AS (
    INSERT INTO event_log (recorded_at, id, topic, key, type, sequence, organization_id, headers, data)
    SELECT CAST(:at AS timestamptz), id, topic, key, type, sequence, organization_id,
        CAST(headers AS jsonb) || jsonb_build_object('ce_sequence', CAST(sequence AS text)), data
    FROM numbered
)
INSERT INTO outbox (shard, key, event_id, recorded_at)
SELECT shard, key, id, CAST(:at AS timestamptz) FROM numbered ORDER BY place
""")


class CannotBePublished(ValueError):
    """The event could never reach Kafka; raised before anything is committed."""


def add(session: AsyncSession, event: Event) -> None:
    """Record an event with this transaction. Raises CannotBePublished for an unregistered type or over 900 kB."""
    if REGISTRY.get(getattr(event, "type", "")) is not type(event):
        raise CannotBePublished(f"{type(event).__name__} is not registered in stoa_events.contracts.")
    type(event).model_validate(dict(event))
    if (size := _rough_size(event)) > MAX_BYTES:
        raise CannotBePublished(f"{event.type} is {size} bytes; the limit is {MAX_BYTES}. Send a reference instead.")
    session.info.setdefault(_PENDING, []).append(event)


def _rough_size(event: Event) -> int:
    return len(event.model_dump_json(exclude=set(event.personal_fields())).encode())


async def write(session: AsyncSession) -> None:
    """Write what was added since the last call; the caller commits."""
    events: list[Event] = session.info.pop(_PENDING, [])
    if not events:
        return
    await session.flush()
    await session.execute(WRITE, values([await sealing.seal(session, event) for event in events], clock.now()))


def values(events: Sequence[Event], at: datetime) -> dict[str, Any]:
    """What WRITE takes: a list a column, and the time."""
    rows = [_row(event, at) for event in events]
    return {name: [row[name] for row in rows] for name in rows[0]} | {"at": at}


def _row(event: Event, at: datetime) -> dict[str, Any]:
    envelope = _envelope(event, at)
    headers = {name: value.decode() for name, value in envelope.headers()}
    return {
        "ids": envelope.id,
        "topics": event.destination,
        "keys": event.subject,
        "types": event.type,
        "singles": event.single,
        "organizations": event.orgid,
        "headers": orjson.dumps(headers).decode(),
        "data": event.data().decode(),
        "shards": shard_of(event.subject),
    }


def _envelope(event: Event, at: datetime) -> Envelope:
    current = context.current()
    with telemetry.record_span(event.type):
        return Envelope(
            id=new_id(),
            source=event.source(),
            type=event.type,
            subject=event.subject,
            time=at,
            dataschema=event.dataschema(),
            # The real one is known to the statement that writes.
            sequence=1,
            orgid=event.orgid,
            correlationid=current.correlation_id,
            causationid=current.causation_id,
            traceparent=context.traceparent(),
        )


def shard_of(key: str) -> int:
    return zlib.crc32(key.encode()) % SHARDS
