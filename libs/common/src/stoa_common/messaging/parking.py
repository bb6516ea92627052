"""Parking: what cannot be handled waits in the consumer's own table, later events of its key behind it in order.

A row is waiting (tried again on the schedule), dead (waits for a person), or discarded (a person gave it up: it stays,
so that the event is accounted for, and blocks nobody).
"""

import traceback
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy import ColumnElement, and_, case, delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from stoa_common.messaging import kafka
from stoa_common.messaging.record import Record
from stoa_common.messaging.tables import consumer_groups, parked
from stoa_events.envelope import BadEnvelope

WAITING, DEAD, DISCARDED = STATES = ("waiting", "dead", "discarded")
SCHEDULE: Final = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
)


class KeyIsParked(Exception):
    """An earlier event of this key waits; this one must queue behind it."""


class RowHasChanged(Exception):
    """The parked row is not as it was read: another process or an operator has it, or had it."""


def describe(error: BaseException) -> str:
    """What an operator needs to see, without the event's values: they may be personal."""
    if isinstance(error, ValidationError):
        wrong = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)]
        return "The data does not fit its contract: " + "; ".join(wrong)
    if isinstance(error, BadEnvelope):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)[-1:]
    place = "".join(f" at {frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames)
    return f"{type(error).__name__}{place}"


def same_line(one: Any, other: Any) -> ColumnElement[bool]:
    """Whether two rows (columns, or a row and columns) wait in one line: that of a consumer's key."""
    return and_(one.consumer == other.consumer, one.topic == other.topic, one.key == other.key)


def has_earlier() -> ColumnElement[bool]:
    """Whether a row of `parked` waits behind another of its key."""
    earlier = parked.alias("earlier")
    mine = same_line(earlier.c, parked.c)
    return exists().where(mine, earlier.c.position < parked.c.position, earlier.c.state != DISCARDED)


async def park(session: AsyncSession, consumer: str, record: Record, *, error: str, at: datetime) -> None:
    """Keep the raw record, once however often Kafka delivers it; it is tried again at the head of its key's line.

    Behind others it is due as soon as they are gone; alone, on the schedule.
    """
    line = parked.alias("line")
    mine = and_(line.c.consumer == consumer, line.c.topic == record.topic, line.c.key == record.key_text)
    is_behind = exists().where(mine, line.c.state != DISCARDED)
    statement = upsert(parked).values(
        consumer=consumer,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key_text,
        headers=kafka.printable_headers(record.headers),
        value=record.value,
        state=WAITING,
        attempts=0,
        error=error,
        parked_at=at,
        next_try_at=case((is_behind, at), else_=at + SCHEDULE[0]),
        replay_id=record.replay_id,
    )
    await session.execute(statement.on_conflict_do_nothing())


def record_of(row: Any) -> Record:
    """The record that a row of `parked` keeps."""
    headers = kafka.raw_headers(row.headers)
    key = kafka.raw(row.key)
    return Record(row.topic, row.partition, row.offset, key, headers, row.value, replay_id=row.replay_id)


async def due(session: AsyncSession, consumers: list[str], *, besides: set[int], at: datetime, limit: int) -> list[Any]:
    """Heads of lines whose time has come; neither those at the positions `besides`, nor what waits for a rebuild."""
    query = select(parked).where(
        parked.c.consumer.in_(consumers),
        parked.c.state == WAITING,
        parked.c.next_try_at <= at,
        parked.c.position.not_in(besides),
        ~has_earlier(),
        ~_waits_for_rebuild(),
    )
    return list((await session.execute(query.order_by(parked.c.next_try_at, parked.c.position).limit(limit))).all())


def _waits_for_rebuild() -> ColumnElement[bool]:
    """While a group is rebuilt, only what its replay sent is tried: later events would make earlier ones stale."""
    rebuilding = consumer_groups.c.rebuilding
    return exists().where(
        consumer_groups.c.consumer == parked.c.consumer,
        rebuilding.is_not(None),
        rebuilding.is_distinct_from(parked.c.replay_id),
    )


async def count(session: AsyncSession) -> list[Any]:
    """Rows (consumer, state, events, oldest_parked_at), of every group that has any."""
    oldest = func.min(parked.c.parked_at).label("oldest_parked_at")
    counted = select(parked.c.consumer, parked.c.state, func.count().label("events"), oldest)
    return list((await session.execute(counted.group_by(parked.c.consumer, parked.c.state))).all())


async def take_out(session: AsyncSession, row: Any) -> None:
    """Delete the row with this transaction, which applies its event. Raises RowHasChanged unless it is as it was read.

    A rollback puts it back. Whoever else wants the row meanwhile skips it, or is told that it is being tried.
    """
    query = select(parked.c.position).where(*_unchanged(row), ~_waits_for_rebuild())
    position = await session.scalar(query.with_for_update(skip_locked=True))
    if position is None:
        raise RowHasChanged
    await session.execute(delete(parked).where(parked.c.position == position))


async def postpone(session: AsyncSession, row: Any, *, error: str, at: datetime) -> str | None:
    """Count a failed try; the row's new state, or None where somebody changed the row since it was read."""
    attempts = row.attempts + 1
    values = {
        "attempts": attempts,
        "error": error,
        "next_try_at": at + SCHEDULE[min(attempts, len(SCHEDULE) - 1)],
        "state": DEAD if attempts >= len(SCHEDULE) else WAITING,
    }
    statement = update(parked).where(*_unchanged(row)).values(**values).returning(parked.c.state)
    state: str | None = await session.scalar(statement)
    return state


def _unchanged(row: Any) -> list[ColumnElement[bool]]:
    """The row as it was read: a retry, an edit or a discard changes one of these."""
    return [
        parked.c.position == row.position,
        parked.c.state == WAITING,
        parked.c.next_try_at == row.next_try_at,
        parked.c.edited_at.is_not_distinct_from(row.edited_at),
    ]
