"""What is lost when writer and reader are killed again and again, with the outbox and without."""

import asyncio
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.events.latency import START_SECONDS, Started, running, times
from bench.events.place import Place

RATE = 200.0
KILL_EVERY_SECONDS = 3.0
#: Longer than a killed member's session, as its default is: what it held moves again only then.
STILL_SECONDS = 40.0
DRAINED_SECONDS = 240.0


@dataclass(frozen=True, slots=True)
class Survived:
    """`committed` is what the database holds of the writer's work, whatever it could tell."""

    kills: int
    committed: int
    lost: int
    doubled: int


async def measure(place: Place, *, kills: int, plain: bool = False) -> Survived:
    """Kill each process in turn while work is committed; then wait until nothing moves any more, and compare."""
    names = ["plain-reader", "plain-writer"] if plain else ["relay", "reader", "writer"]
    seconds = START_SECONDS + kills * KILL_EVERY_SECONDS
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        ledger = Path(folder, "ledger")
        roles = [stack.enter_context(running(name, place, ledger, rate=RATE, seconds=seconds)) for name in names]
        await asyncio.sleep(START_SECONDS)
        for number in range(kills):
            await _kill(roles[number % len(roles)])
            await asyncio.sleep(KILL_EVERY_SECONDS)
        roles[-1].kill()
        await _until_still(ledger)
    return await _compared(place, kills)


async def _kill(role: Started) -> None:
    await asyncio.to_thread(role.kill)
    role.start_again()


async def _until_still(ledger: Path) -> None:
    """Returns once nothing was handled for a while."""
    handled, since = -1, time.monotonic()
    until = since + DRAINED_SECONDS
    while time.monotonic() < min(since + STILL_SECONDS, until):
        await asyncio.sleep(1)
        if (now_handled := len(times(ledger))) != handled:
            handled, since = now_handled, time.monotonic()


async def _compared(place: Place, kills: int) -> Survived:
    database = place.database()
    async with database.driver() as connection:
        row = await connection.fetchrow("""
            SELECT count(*) AS committed, count(*) FILTER (WHERE times IS NULL) AS lost,
                count(*) FILTER (WHERE times > 1) AS doubled
            FROM work LEFT JOIN effects ON event_key = id::text
        """)
    await database.close()
    assert row is not None
    return Survived(kills, row["committed"], row["lost"], row["doubled"])
