"""Faults of processes: killed at random moments and at named places, stopped, restarted, rebalanced."""

import asyncio
import signal
from pathlib import Path
from typing import ClassVar

from .fault import Fault, World
from .system import Part

PLACES = {"api": "api.committed", "relay": "relay.sent", "consumer": "consumer.committed"}
FAKETIME = (
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
)


class Killed(Fault):
    """A process of one role is killed at a random moment."""

    role: ClassVar[str]
    lasts_seconds = (0.0, 1.0)

    async def begin(self, world: World) -> None:
        world.kill(world.pick(self.role))


class ApiKilled(Killed):
    name, role, limit_seconds = "api-killed", "api", 2.0


class RelayKilled(Killed):
    name, role, limit_seconds = "relay-killed", "relay", 2.0


class ConsumerKilled(Killed):
    name, role, limit_seconds = "consumer-killed", "consumer", 10.0


class KilledAtPlace(Fault):
    """A role's processes are killed each time that they pass a named place, with some chance, again and again."""

    role: ClassVar[str]
    chance: ClassVar[float]
    lasts_seconds = (6.0, 10.0)

    async def begin(self, world: World) -> None:
        for part in world.system.of_role(self.role):
            part.armed["STOA_FAILPOINTS"] = f"{PLACES[self.role]}=kill:{self.chance}"
        await _restart(world, world.system.of_role(self.role))

    async def mend(self, world: World) -> None:
        for part in world.system.of_role(self.role):
            part.armed.pop("STOA_FAILPOINTS", None)
        await _restart(world, world.system.of_role(self.role))


class ApiKilledAfterCommit(KilledAtPlace):
    name, role, chance, limit_seconds = "api-killed-after-commit", "api", 0.05, 2.0


class RelayKilledAfterSend(KilledAtPlace):
    name, role, chance, limit_seconds = "relay-killed-after-send", "relay", 0.05, 2.0


class ConsumerKilledAfterCommit(KilledAtPlace):
    name, role, chance, limit_seconds = "consumer-killed-after-commit", "consumer", 0.01, 10.0


class KillStorm(Fault):
    """A process a second is killed."""

    name, lasts_seconds, limit_seconds = "kill-storm", (10.0, 20.0), 120.0

    async def last(self, world: World) -> None:
        for _ in range(round(world.rng.uniform(*self.lasts_seconds))):
            world.kill(world.rng.choice(world.system.wanted))
            await asyncio.sleep(1)


class RelayStopped(Fault):
    """One of two relays stops where it is, with whatever it has locked, and goes on half a minute later."""

    name, lasts_seconds, limit_seconds = "relay-stopped", (30.0, 30.0), 35.0
    _stopped: Part

    async def begin(self, world: World) -> None:
        world.kills += 1
        self._stopped = world.pick("relay")
        self._stopped.send(signal.SIGSTOP)

    async def mend(self, world: World) -> None:
        self._stopped.send(signal.SIGCONT)


class RelayBlinks(RelayStopped):
    """One relay or the other stops for a moment, a hundred times: between its read and its send, sooner or later."""

    name, limit_seconds = "relay-blinks", 5.0

    async def last(self, world: World) -> None:
        for _ in range(100):
            await asyncio.sleep(world.rng.uniform(0.03, 0.1))
            self._stopped.send(signal.SIGCONT)
            await asyncio.sleep(world.rng.uniform(0.0, 0.03))
            self._stopped = world.pick("relay")
            self._stopped.send(signal.SIGSTOP)


class RebalanceInSlowHandler(Fault):
    """A member leaves and joins while handlers take longer than it does."""

    name, lasts_seconds, limit_seconds = "rebalance-in-slow-handler", (4.0, 6.0), 30.0

    async def begin(self, world: World) -> None:
        await world.switch("slow_seconds", "1.5")
        await asyncio.sleep(1)
        await world.system.stop(world.system.of_role("consumer")[1])

    async def mend(self, world: World) -> None:
        world.system.of_role("consumer")[1].is_wanted = True
        await asyncio.sleep(4)
        await world.switch("slow_seconds", None)


class RollingRestart(Fault):
    """Every process is asked to end, one after the other."""

    name, limit_seconds = "rolling-restart", 20.0

    async def last(self, world: World) -> None:
        for part in world.system.wanted:
            await _restart(world, [part])
            await asyncio.sleep(world.rng.uniform(*self.lasts_seconds))


class ClockSkew(Fault):
    """A relay, a consumer and the api live an hour in the future, then an hour in the past, then now."""

    name, lasts_seconds, limit_seconds = "clock-skew", (8.0, 12.0), 30.0

    def missing(self, world: World) -> str | None:
        return None if _faketime() else "libfaketime is not installed (Debian: apt-get install libfaketime)"

    async def begin(self, world: World) -> None:
        await self._set(world, "+1h")

    async def last(self, world: World) -> None:
        await super().last(world)
        await self._set(world, "-1h")
        await super().last(world)

    async def mend(self, world: World) -> None:
        await self._set(world, None)

    async def _set(self, world: World, offset: str | None) -> None:
        parts = [world.system.of_role(role)[0] for role in ("api", "relay", "consumer")]
        for part in parts:
            part.armed.clear()
            if offset:
                # Timers that only count up must go on counting: a skewed clock is set, not run faster.
                skew = {"FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
                part.armed.update(skew, LD_PRELOAD=str(_faketime()))
        await _restart(world, parts)


async def _restart(world: World, parts: list[Part]) -> None:
    """Ask them to end; they are started again with what is armed now."""
    world.kills += len(parts)
    ended = [asyncio.to_thread(part.running.stop, seconds=20) for part in parts if part.running is not None]
    await asyncio.gather(*ended)


def _faketime() -> Path | None:
    found = [Path(place) for place in FAKETIME if Path(place).exists()]
    return found[0] if found else None


PROCESS_FAULTS: tuple[type[Fault], ...] = (
    ApiKilled,
    RelayKilled,
    ConsumerKilled,
    ApiKilledAfterCommit,
    RelayKilledAfterSend,
    ConsumerKilledAfterCommit,
    KillStorm,
    RelayStopped,
    RelayBlinks,
    RebalanceInSlowHandler,
    RollingRestart,
    ClockSkew,
)
