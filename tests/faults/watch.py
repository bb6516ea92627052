"""Watches from outside: how late effects are, by the client's own clock, and what the processes' probes say."""

import asyncio
import contextlib
import re
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import asyncpg

from .load import Load
from .system import Part, System

MEASURE_SECONDS = 0.25
ASK_SECONDS = 0.5
#: Longer than `/readyz` gives a part, so that a process whose part is away still answers.
ANSWER_SECONDS = 5.0
AGE = re.compile(r"^(stoa_(?:outbox|consumer)_oldest_age_seconds)(?:\{[^}]*\})? ([0-9.e+-]+)$", re.MULTILINE)
OLDEST = 2_000

ARRIVED = "SELECT command_id, count(*) AS events FROM effects WHERE command_id = ANY($1) GROUP BY command_id"
# A parked command's age is the parking's; poison may be anything, so it is not parsed.
PARKED = """
    SELECT (substring(convert_from(value, 'UTF8') FROM '"course_id":"([0-9a-f-]{36})"'))::uuid AS command_id
    FROM parked WHERE length(value) < 10000
"""
LONG = """
    SELECT pid, application_name, client_port, state,
           extract(epoch FROM clock_timestamp() - xact_start)::int AS seconds,
           pg_blocking_pids(pid) AS behind, left(regexp_replace(query, '\\s+', ' ', 'g'), 100) AS query
    FROM pg_stat_activity
    WHERE datname = current_database() AND xact_start < clock_timestamp() - interval '5 seconds' ORDER BY xact_start
"""


@dataclass
class Said:
    """What a process said of itself, the last time that it answered."""

    at: float = 0.0
    is_ready: bool = False
    parts: dict[str, str] = field(default_factory=dict)
    ages: dict[str, float] = field(default_factory=dict)


@dataclass
class Watch:
    """`age` is how long ago the oldest command was accepted whose effects are not at the reader."""

    system: System
    load: Load
    age: float = 0.0
    measured: float = 0.0
    """When."""
    oldest_ever: float = 0.0
    said: dict[str, Said] = field(default_factory=lambda: defaultdict(Said))
    not_live: list[str] = field(default_factory=list)
    unready: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Parts that processes called not ready since this was last emptied, by process."""
    _reader: Any = None

    async def run(self) -> None:
        """Until cancelled. What is measured does not wait for a process that is slow to answer."""
        await asyncio.gather(self._measure_all_the_time(), self._ask_all_the_time())

    async def _measure_all_the_time(self) -> None:
        while True:
            await self._measure()
            await asyncio.sleep(MEASURE_SECONDS)

    async def _ask_all_the_time(self) -> None:
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as client:
            while True:
                await asyncio.gather(*(self._ask(client, part) for part in self.system.wanted))
                await asyncio.sleep(ASK_SECONDS)

    def silent(self, *, since: float) -> list[str]:
        """The processes that should run and are known to be dead, or have not answered after this moment."""
        return [p.name for p in self.system.wanted if not p.is_alive or self.said[p.name].at <= since]

    def all_ready(self) -> bool:
        return all(part.is_alive and self.said[part.name].is_ready for part in self.system.wanted)

    @property
    def reported_age(self) -> float:
        """The oldest age that any process reports of itself."""
        return max((age for part in self.system.wanted for age in self.said[part.name].ages.values()), default=0.0)

    async def _measure(self) -> None:
        """While the reader's database is away, nothing arrives and the age grows."""
        try:
            await asyncio.wait_for(self._strike_out(), 10)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await self._drop_connection()
        self.measured = now = time.monotonic()
        self.age = max((now - owed.since for owed in self.load.pending.values()), default=0.0)
        self.oldest_ever = max(self.oldest_ever, self.age)

    async def _strike_out(self) -> None:
        if self._reader is None:
            self._reader = await asyncpg.connect(self.system.urls["reader"].url, timeout=5)
        oldest = list(self.load.pending)[:OLDEST]
        for row in await self._reader.fetch(ARRIVED, oldest):
            if row["events"] >= self.load.pending[row["command_id"]].events:
                del self.load.pending[row["command_id"]]
        for row in await self._reader.fetch(PARKED):
            self.load.pending.pop(row["command_id"], None)

    async def find_long_transactions(self) -> list[str]:
        """What the reader's database is busy with for long, and behind whom each waits: to find a hang by."""
        try:
            return [str(dict(row)) for row in await self._reader.fetch(LONG, timeout=5)] if self._reader else []
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            return [f"not asked: {type(error).__name__}"]

    async def _drop_connection(self) -> None:
        connection, self._reader = self._reader, None
        if connection is not None:
            connection.terminate()

    async def _ask(self, client: aiohttp.ClientSession, part: Part) -> None:
        """A process that is dead, stopped or just starting does not answer, which is no lie."""
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with client.get(f"{part.url}/livez") as live:
                if live.status != 200:
                    self.not_live.append(f"{part.name} said {live.status}")
            async with client.get(f"{part.url}/readyz") as ready:
                checks: dict[str, str] = (await ready.json())["parts"]
            async with client.get(f"{part.url}/metrics") as metrics:
                ages = {name: float(value) for name, value in AGE.findall(await metrics.text())}
            self.said[part.name] = Said(time.monotonic(), ready.status == 200, checks, ages)
            self.unready[part.name] |= {name for name, said in checks.items() if said != "ok"}
