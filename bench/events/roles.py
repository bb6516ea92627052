"""The processes that are measured: `python -m bench.events.roles ROLE PLACE LEDGER RATE SECONDS`, ended by SIGTERM.

`writer` commits work and records an event of it; `relay` and `reader` are the platform's own. `plain-writer` and
`plain-reader` do the same work in the plainest way: FastStream, published after the commit, with its defaults.
`poisoner` sends records that cannot be handled, and events of one key for which the reader's handler has a bug.
Each line of a ledger is `<key> <time>`: written once the work was committed, or once the event was handled.
"""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from itertools import cycle
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import asyncpg
import uvloop
from aiokafka import AIOKafkaProducer
from faststream.kafka import KafkaBroker
from sqlalchemy import text
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from bench.events.place import Place
from stoa_common import clock
from stoa_common.database import Session
from stoa_common.ids import new_id
from stoa_common.messaging import EventRouter
from stoa_common.messaging.consumers import Consumers
from stoa_common.messaging.handling import Handling, Outcome
from stoa_common.messaging.record import Record
from stoa_common.messaging.relay import Relay
from stoa_common.outbox import recording
from stoa_common.resources import Resources
from stoa_common.testing import an_envelope
from stoa_common.testing.poison import ONE_MEGABYTE, POISON, poisoned
from stoa_events.contracts import CourseImported

TITLE = "x" * 850
CONNECTIONS = 20
PLAIN_TOPIC = "plain.work"
BROKEN_KEY = UUID(int=0)
_WORK = "INSERT INTO work VALUES ($1, now())"
_EFFECT = text("""
INSERT INTO effects VALUES (:key, 1) ON CONFLICT (event_key) DO UPDATE SET times = effects.times + 1
""")
Commit = Callable[[asyncpg.Connection, CourseImported], Awaitable[None]]


class BrokenForThisKeyError(RuntimeError):
    """The reader's bug."""


def an_event(course_id: UUID | None = None) -> CourseImported:
    """About 1 KB on the wire."""
    return CourseImported(
        course_id=course_id or new_id(),
        organization_id=new_id(),
        title=TITLE,
        source_format="olx",
        lesson_count=1,
        question_count=1,
        imported_at=clock.now(),
    )


class Ledger:
    """Lines on disk as they come: a process that is killed has told what it did."""

    def __init__(self, path: Path) -> None:
        self._file: IO[str] = path.open("a", buffering=1)

    def add(self, key: str) -> None:
        self._file.write(f"{key} {time.time():.6f}\n")


async def write(place: Place, commit: Commit, *, rate: float, seconds: float) -> None:
    """Commit at a steady rate, whatever a commit takes, over a few connections.

    Through the driver alone: what a service does before its commit is not measured, and must not take what is.
    """
    connections: asyncio.Queue[asyncpg.Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        connections.put_nowait(await asyncpg.connect(place.database_url))
    async with asyncio.TaskGroup() as tasks:
        start = time.perf_counter()
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, start + number / rate - time.perf_counter()))
            tasks.create_task(_write_one(commit, connections, await connections.get()))


async def _write_one(
    commit: Commit, connections: "asyncio.Queue[asyncpg.Connection]", connection: asyncpg.Connection
) -> None:
    await commit(connection, an_event())
    connections.put_nowait(connection)


async def writer(place: Place, ledger: Ledger, rate: float, seconds: float) -> None:
    record = outbox_statement()

    async def commit(connection: asyncpg.Connection, event: CourseImported) -> None:
        async with connection.transaction():
            await connection.execute(_WORK, event.course_id)
            await record(connection, event)
        ledger.add(event.subject)

    await write(place, commit, rate=rate, seconds=seconds)


def outbox_statement() -> Callable[[asyncpg.Connection, CourseImported], Awaitable[None]]:
    """What `outbox.write` sends, for the driver."""
    compiled: Any = recording.WRITE.compile(dialect=dialect())  # type: ignore[no-untyped-call]  # SQLAlchemy's own

    async def record(connection: asyncpg.Connection, event: CourseImported) -> None:
        values = recording.values([event], clock.now())
        await connection.execute(str(compiled), *(values[name] for name in compiled.positiontup))

    return record


async def relay(place: Place, _ledger: Ledger, **_: float) -> None:
    await Relay(place.database(waits_for_disk=False), place.cluster).run()


async def reader(place: Place, ledger: Ledger, **_: float) -> None:
    router = EventRouter(group="bench.reader")

    @router.on(CourseImported)
    async def keep(event: CourseImported, session: Session) -> None:
        if event.course_id == BROKEN_KEY:
            raise BrokenForThisKeyError
        await session.execute(_EFFECT, {"key": event.subject})

    take = Handling.take

    async def timed(handling: Handling, record: Record) -> Outcome:
        outcome = await take(handling, record)
        ledger.add(record.key_text)
        return outcome

    setattr(Handling, "take", timed)  # noqa: B010  # a name that mypy does not let be assigned
    await Consumers([router], place.database(), Resources(), place.cluster).run()


async def poisoner(place: Place, _ledger: Ledger, rate: float, **_: float) -> None:
    """Every kind in turn, and in every round an event of the broken key."""
    async with AIOKafkaProducer(bootstrap_servers=place.kafka, max_request_size=2 * ONE_MEGABYTE) as producer:
        for number, kind in enumerate(cycle((*POISON, "broken-key"))):
            event = an_event(BROKEN_KEY if kind == "broken-key" else None)
            envelope = an_envelope(event, id=new_id(), sequence=number + 1)
            good = [*envelope.headers()], event.data()
            headers, value = good if kind == "broken-key" else poisoned(kind, envelope, event.data())
            await producer.send(place.prefix + event.topic, value, key=event.subject.encode(), headers=headers)
            await asyncio.sleep(1 / rate)


async def plain_writer(place: Place, ledger: Ledger, rate: float, seconds: float) -> None:
    async with KafkaBroker(place.kafka) as broker:

        async def commit(connection: asyncpg.Connection, event: CourseImported) -> None:
            await connection.execute(_WORK, event.course_id)
            ledger.add(event.subject)
            await broker.publish(event, place.prefix + PLAIN_TOPIC, key=event.subject.encode())

        await write(place, commit, rate=rate, seconds=seconds)


async def plain_reader(place: Place, ledger: Ledger, **_: float) -> None:
    database, broker = place.database(), KafkaBroker(place.kafka)

    @broker.subscriber(place.prefix + PLAIN_TOPIC, group_id="plain.reader", auto_offset_reset="earliest")
    async def keep(event: CourseImported) -> None:
        async with database.transaction() as session:
            await session.execute(_EFFECT, {"key": event.subject})
        ledger.add(event.subject)

    async with broker:
        await broker.start()
        await asyncio.Event().wait()


ROLES: dict[str, Callable[..., Awaitable[None]]] = {
    "writer": writer,
    "relay": relay,
    "reader": reader,
    "poisoner": poisoner,
    "plain-writer": plain_writer,
    "plain-reader": plain_reader,
}


async def _run(role: str, place: Place, ledger: Ledger, rate: float, seconds: float) -> None:
    task = asyncio.ensure_future(ROLES[role](place, ledger, rate=rate, seconds=seconds))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


if __name__ == "__main__":
    role, told, path, per_second, duration = sys.argv[1:]
    uvloop.run(_run(role, Place(**json.loads(told)), Ledger(Path(path)), float(per_second), float(duration)))
