"""The processes that are measured: `python -m bench.events.roles ROLE PLACE LEDGER RATE SECONDS`, ended by SIGTERM.

`writer` commits work and records an event of it; `relay` and `reader` are the platform's own. `plain-writer` and
`plain-reader` do the same work in the plainest way: FastStream, published after the commit, with its defaults.
Each line of a ledger is `<key> <time>`: written once the work was committed, or once the event was handled.
"""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO

from faststream.kafka import KafkaBroker
from sqlalchemy import text

from bench.events.place import Place
from stoa_common import clock, outbox
from stoa_common.database import Session
from stoa_common.ids import new_id
from stoa_common.messaging import EventRouter
from stoa_common.messaging.consumers import Consumers
from stoa_common.messaging.handling import Handling, Outcome
from stoa_common.messaging.record import Record
from stoa_common.messaging.relay import Relay
from stoa_common.resources import Resources
from stoa_events.contracts import CourseImported

TITLE = "x" * 850
AT_ONCE = 64
PLAIN_TOPIC = "plain.work"
_WORK = text("INSERT INTO work VALUES (:id, now())")
_EFFECT = text("""
INSERT INTO effects VALUES (:key, 1) ON CONFLICT (event_key) DO UPDATE SET times = effects.times + 1
""")
Commit = Callable[[CourseImported], Awaitable[None]]


def an_event() -> CourseImported:
    """About 1 KB on the wire."""
    return CourseImported(
        course_id=new_id(),
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


async def write(commit: Commit, ledger: Ledger, *, rate: float, seconds: float) -> None:
    """Commit at a steady rate, whatever a commit takes; at most AT_ONCE at a time."""
    places, tasks = asyncio.Semaphore(AT_ONCE), set()
    start = time.perf_counter()
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, start + number / rate - time.perf_counter()))
        await places.acquire()
        task = asyncio.create_task(_write_one(commit, ledger, places))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)


async def _write_one(commit: Commit, ledger: Ledger, places: asyncio.Semaphore) -> None:
    try:
        event = an_event()
        await commit(event)
        ledger.add(event.subject)
    finally:
        places.release()


async def writer(place: Place, ledger: Ledger, rate: float, seconds: float) -> None:
    database = place.database()

    async def commit(event: CourseImported) -> None:
        async with database.transaction() as session:
            await session.execute(_WORK, {"id": event.course_id})
            outbox.add(session, event)

    await write(commit, ledger, rate=rate, seconds=seconds)


async def relay(place: Place, _ledger: Ledger, **_: float) -> None:
    await Relay(place.database(waits_for_disk=False), place.cluster).run()


async def reader(place: Place, ledger: Ledger, **_: float) -> None:
    router = EventRouter(group="bench.reader")

    @router.on(CourseImported)
    async def keep(event: CourseImported, session: Session) -> None:
        await session.execute(_EFFECT, {"key": event.subject})

    take = Handling.take

    async def timed(handling: Handling, record: Record) -> Outcome:
        outcome = await take(handling, record)
        ledger.add(record.key_text)
        return outcome

    setattr(Handling, "take", timed)  # noqa: B010  # a name that mypy does not let be assigned
    await Consumers([router], place.database(), Resources(), place.cluster).run()


async def plain_writer(place: Place, ledger: Ledger, rate: float, seconds: float) -> None:
    database = place.database()
    async with KafkaBroker(place.kafka) as broker:

        async def commit(event: CourseImported) -> None:
            async with database.transaction() as session:
                await session.execute(_WORK, {"id": event.course_id})
            ledger.add(event.subject)
            await broker.publish(event, place.prefix + PLAIN_TOPIC, key=event.subject.encode())

        await write(commit, Ledger(Path("/dev/null")), rate=rate, seconds=seconds)


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
    asyncio.run(_run(role, Place(**json.loads(told)), Ledger(Path(path)), float(per_second), float(duration)))
