"""The consumer: one group by the door `on`, one by the door `batch`, and switches by which a fault makes it ill."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy import text

from stoa_common.database import Database, Session
from stoa_common.messaging import Batch, BatchRecord, EventRouter
from stoa_common.service import Service
from stoa_common.settings import ServiceSettings
from stoa_events.contracts import AttemptGraded, LearnerEnrolled, LessonCompleted
from stoa_events.contracts.content import EnrollmentEvent
from stoa_events.envelope import Envelope

TOPICS = ("content.attempt", "content.enrollment")
SWITCHES_SECONDS = 0.2
SWITCHES = text("SELECT name, value FROM switches")
APPLY = text("""
    WITH effect AS (
        INSERT INTO effects (event_id, command_id, topic, key, sequence, times)
        VALUES (:id, :command_id, :topic, :key, :sequence, 1)
        ON CONFLICT (event_id) DO UPDATE SET times = effects.times + 1
    )
    INSERT INTO totals (topic, key, events, points, last_sequence) VALUES (:topic, :key, 1, :points, :sequence)
    ON CONFLICT (topic, key) DO UPDATE SET events = totals.events + 1, points = totals.points + excluded.points,
        last_sequence = excluded.last_sequence
""")
COPY = text("""
    INSERT INTO copies (topic, partition, "offset", event_id, digest)
    VALUES (:topic, :partition, :offset, :event_id, :digest) ON CONFLICT DO NOTHING
""")


class Settings(ServiceSettings, service="reader"):
    """The shared settings alone."""


@dataclass
class Seen:
    """The switches, and when they were read."""

    at: float = -SWITCHES_SECONDS
    values: dict[str, str] = field(default_factory=dict)


_seen = Seen()


class BrokenForThisKey(RuntimeError):
    """The bug that a switch put into the handler."""


counts = EventRouter(group="reader.counts")
copy = EventRouter(group="reader.copy")


@counts.on(LearnerEnrolled)
async def count_enrollment(event: LearnerEnrolled, envelope: Envelope, session: Session) -> None:
    await apply(session, event, envelope, points=0)


@counts.on(LessonCompleted)
async def count_lesson(event: LessonCompleted, envelope: Envelope, session: Session) -> None:
    await apply(session, event, envelope, points=round(event.progress * 100))


@counts.on(AttemptGraded)
async def count_attempt(event: AttemptGraded, envelope: Envelope, session: Session) -> None:
    await apply(session, event, envelope, points=round(event.score * 100))


async def apply(session: Session, event: EnrollmentEvent | AttemptGraded, envelope: Envelope, *, points: int) -> None:
    switches = await read_switches(session)
    if switches.get("broken_key") == envelope.subject:
        raise BrokenForThisKey
    if slowness := switches.get("slow_seconds"):
        await asyncio.sleep(float(slowness))
    values = {
        "id": envelope.id,
        "command_id": event.course_id,
        "topic": event.topic,
        "key": envelope.subject,
        "sequence": envelope.sequence,
        "points": points,
    }
    await session.execute(APPLY, values)


async def read_switches(session: Session) -> dict[str, str]:
    """As they were a moment ago: one more query an event would be a good part of its cost."""
    if time.monotonic() - _seen.at > SWITCHES_SECONDS:
        _seen.values = {row.name: row.value for row in await session.execute(SWITCHES)}
        _seen.at = time.monotonic()
    return _seen.values


@copy.batch(topics=TOPICS)
async def copy_batch(batch: Batch, database: Database) -> None:
    rows = [_copied(record) for record in batch.records]
    async with database.transaction() as session:
        await session.execute(COPY, rows)


def _copied(record: BatchRecord) -> dict[str, object]:
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "event_id": record.envelope.id,
        "digest": hashlib.md5(record.value, usedforsecurity=False).hexdigest(),
    }


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Sequence[object]]:
    """The batch door's own connections: its handler opens its transactions itself."""
    assert settings.database_url is not None
    database = Database(settings.database_url.get_secret_value(), pool_size=2, application_name="reader-copy")
    try:
        yield [database]
    finally:
        await database.close()


service = Service("reader", settings=Settings, consumers=[counts, copy], resources=opened, forgets_people=False)

if __name__ == "__main__":
    service.run()
