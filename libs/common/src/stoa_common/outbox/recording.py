"""What happened is recorded in the transaction that made it happen; the relay publishes it afterwards.

`add` is plain and early: it refuses what could never be published. `write` runs once, at the edge, just before the
commit: it seals personal fields, numbers each event within its aggregate, and fills `event_log` and the queue.
"""

import zlib
from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from stoa_common import clock, context, telemetry
from stoa_common.ids import new_id
from stoa_common.outbox import sealing
from stoa_common.outbox.tables import SHARDS, aggregate_versions, event_log
from stoa_common.outbox.tables import outbox as queue
from stoa_events.contract import REGISTRY, Event
from stoa_events.envelope import Envelope

MAX_BYTES = 900_000
_PENDING = "stoa_outbox"
_Key = tuple[str, str]


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
    at = clock.now()
    sealed = [await sealing.seal(session, event) for event in events]
    sequences = await _sequences(session, sealed)
    rows = [_row(event, sequence, at) for event, sequence in zip(sealed, sequences, strict=True)]
    await session.execute(insert(event_log), rows)
    await session.execute(insert(queue), [_queued(row) for row in rows])


async def _sequences(session: AsyncSession, events: list[Event]) -> list[int]:
    """Each event's place in its aggregate; the version row's lock keeps the aggregate's commits in this order."""
    counts = Counter(_key(event) for event in events if not event.single)
    following = await _advance(session, counts) if counts else {}
    return [_take(following, event) for event in events]


def _take(following: dict[_Key, int], event: Event) -> int:
    if event.single:
        return 1
    key = _key(event)
    following[key] += 1
    return following[key]


async def _advance(session: AsyncSession, counts: Counter[_Key]) -> dict[_Key, int]:
    """Versions before this transaction. Keys are locked in one order: two transactions never wait in a circle."""
    rows = [{"topic": topic, "key": key, "version": n} for (topic, key), n in sorted(counts.items())]
    inserted = upsert(aggregate_versions).values(rows)
    statement = inserted.on_conflict_do_update(
        index_elements=["topic", "key"],
        set_={"version": aggregate_versions.c.version + inserted.excluded.version},
    ).returning(aggregate_versions.c.topic, aggregate_versions.c.key, aggregate_versions.c.version)
    result = await session.execute(statement)
    return {(topic, key): version - counts[topic, key] for topic, key, version in result}


def _key(event: Event) -> _Key:
    return event.topic, event.subject


def _row(event: Event, sequence: int, at: datetime) -> dict[str, Any]:
    envelope = _envelope(event, sequence, at)
    return {
        "recorded_at": at,
        "id": envelope.id,
        "topic": event.topic,
        "key": event.subject,
        "type": event.type,
        "sequence": sequence,
        "organization_id": event.orgid,
        "headers": {name: value.decode() for name, value in envelope.headers()},
        "data": event.data().decode(),
    }


def _envelope(event: Event, sequence: int, at: datetime) -> Envelope:
    current = context.current()
    with telemetry.record_span(event.type):
        return Envelope(
            id=new_id(),
            source=event.source(),
            type=event.type,
            subject=event.subject,
            time=at,
            dataschema=event.dataschema(),
            sequence=sequence,
            orgid=event.orgid,
            correlationid=current.correlation_id,
            causationid=current.causation_id,
            traceparent=context.traceparent(),
        )


def _queued(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "shard": shard_of(row["key"]),
        "key": row["key"],
        "event_id": row["id"],
        "recorded_at": row["recorded_at"],
    }


def shard_of(key: str) -> int:
    return zlib.crc32(key.encode()) % SHARDS
