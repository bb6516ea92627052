"""What a fault is, and what it works on."""

import asyncio
import random
import signal
from dataclasses import dataclass
from typing import ClassVar

import asyncpg

from .injector import Injector
from .load import Load
from .stage import Stage
from .system import Part, System


@dataclass
class World:
    """A running system with everything that a fault may touch. `kills` counts what may make the relay send again."""

    stage: Stage
    system: System
    load: Load
    injector: Injector
    rng: random.Random
    kills: int = 0

    def pick(self, role: str) -> Part:
        """One of a role's processes."""
        return self.rng.choice(self.system.of_role(role))

    def kill(self, part: Part) -> None:
        self.kills += 1
        part.send(signal.SIGKILL)

    async def switch(self, name: str, value: str | None) -> None:
        """Make the reader's handlers ill, or well again."""
        connection = await asyncpg.connect(self.system.urls["reader"].url, timeout=5)
        try:
            if value is None:
                await connection.execute("DELETE FROM switches WHERE name = $1", name)
            else:
                upsert = "INSERT INTO switches VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
                await connection.execute(upsert, name, value)
        finally:
            await connection.close()

    async def retry_parked(self) -> None:
        """What an operator does once the cause is mended: the heads of the lines are due now."""
        connection = await asyncpg.connect(self.system.urls["reader"].url, timeout=5)
        try:
            await connection.execute("UPDATE parked SET next_try_at = now() WHERE state = 'waiting'")
        finally:
            await connection.close()


class Fault:
    """Something bad: it begins, lasts, and is mended. Ages are back under a second within `limit_seconds` of that."""

    name: ClassVar[str]
    limit_seconds: ClassVar[float] = 120.0
    lasts_seconds: ClassVar[tuple[float, float]] = (2.0, 5.0)
    #: Servers that are away meanwhile, which probes have to say.
    takes_away: ClassVar[tuple[str, ...]] = ()

    def missing(self, world: World) -> str | None:
        """Why this machine cannot have this fault; None where it can."""
        return None

    async def begin(self, world: World) -> None:
        """Do the harm, and return."""

    async def last(self, world: World) -> None:
        """Wait until it is to be mended."""
        await asyncio.sleep(world.rng.uniform(*self.lasts_seconds))

    async def mend(self, world: World) -> None:
        """Take away the cause, and return when that is done."""
