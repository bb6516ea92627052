"""Parking: what cannot be handled waits in the consumer's own table, later events of its key behind it in order."""

import traceback
from datetime import datetime, timedelta
from typing import Final

from pydantic import ValidationError
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from stoa_common.messaging import kafka
from stoa_common.messaging.record import Record
from stoa_common.messaging.tables import parked

WAITING, DEAD = "waiting", "dead"
SCHEDULE: Final = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
)


class KeyIsParked(Exception):
    """An earlier event of this key waits; this one must queue behind it."""


def describe(error: BaseException) -> str:
    """What an operator needs to see, without the event's values: they may be personal."""
    if isinstance(error, ValidationError):
        wrong = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)]
        return "The data does not fit its contract: " + "; ".join(wrong)
    frames = traceback.extract_tb(error.__traceback__)[-1:]
    place = "".join(f" at {frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames)
    return f"{type(error).__name__}{place}"


async def park(session: AsyncSession, consumer: str, record: Record, *, error: str, at: datetime) -> None:
    """Keep the raw record; it is tried again on the schedule, at the head of its key's line."""
    await session.execute(
        insert(parked).values(
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
            next_try_at=at + SCHEDULE[0],
        )
    )
