"""Faults of servers: the broker away, databases restarted, a disk that fills, Redis emptied."""

import asyncio
import contextlib
import shutil
import signal
from typing import ClassVar

from redis.asyncio import Redis

from .fault import Fault, World

MEGABYTE = 1024 * 1024


class BrokerDown(Fault):
    """The broker is killed and stays away for some seconds; with three, each in turn."""

    away_seconds: ClassVar[float]
    limit_seconds = 2.0

    async def last(self, world: World) -> None:
        for broker in world.stage.brokers:
            world.kills += 1
            await asyncio.to_thread(world.stage.take_away, f"kafka-{broker.node}")
            await asyncio.sleep(self.away_seconds)
            await world.stage.bring_back(f"kafka-{broker.node}")


class BrokerDownBriefly(BrokerDown):
    name, away_seconds, takes_away = "broker-down-5s", 5.0, ("kafka-1",)


class BrokerDownLong(BrokerDown):
    name, away_seconds, takes_away = "broker-down-60s", 60.0, ("kafka-1",)


class RelaysKilledInOutage(Fault):
    """The broker goes away, and then the relays: what they had in hand was not acknowledged."""

    name, limit_seconds, takes_away = "relays-killed-in-outage", 10.0, ("kafka-1",)

    async def last(self, world: World) -> None:
        names = [f"kafka-{broker.node}" for broker in world.stage.brokers]
        for name in names:
            await asyncio.to_thread(world.stage.take_away, name)
        await asyncio.sleep(2)
        for relay in world.system.of_role("relay"):
            world.kill(relay)
        await asyncio.sleep(1)
        await asyncio.gather(*(world.stage.bring_back(name) for name in names))


class DatabaseRestarted(Fault):
    """A database ends at once, as in a crash, and recovers."""

    service: ClassVar[str]
    limit_seconds = 5.0

    @property
    def server(self) -> str:
        return f"{self.service}-postgres"

    async def begin(self, world: World) -> None:
        # A relay that loses its database after the send sends again.
        world.kills += 1
        await asyncio.to_thread(world.stage.take_away, self.server, by=signal.SIGQUIT)

    async def mend(self, world: World) -> None:
        await world.stage.bring_back(self.server)


class EnrollerDatabaseRestarted(DatabaseRestarted):
    name, service, takes_away = "enroller-database-restarted", "enroller", ("enroller-postgres",)


class ReaderDatabaseRestarted(DatabaseRestarted):
    name, service, takes_away = "reader-database-restarted", "reader", ("reader-postgres",)


class DiskFull(Fault):
    """The reader's database has no room left, until somebody makes some."""

    name, lasts_seconds, limit_seconds = "disk-full", (8.0, 15.0), 30.0

    def missing(self, world: World) -> str | None:
        return None if world.stage.small_disk else "only root can mount a small disk to fill"

    async def begin(self, world: World) -> None:
        assert world.stage.small_disk is not None
        await asyncio.to_thread(_fill, world)

    async def mend(self, world: World) -> None:
        assert world.stage.small_disk is not None
        (world.stage.small_disk / "filler").unlink()
        # Without room for its log, PostgreSQL may have given up.
        server = world.stage.servers()["reader-postgres"]
        if server.running is None or not server.running.alive():
            await world.stage.bring_back("reader-postgres")


class RedisFlushed(Fault):
    """Everything in Redis is gone: nothing of an event's way may stand on it."""

    name, limit_seconds = "redis-flushed", 2.0

    async def begin(self, world: World) -> None:
        async with Redis.from_url(world.stage.valkey.address) as client:
            await client.flushall()


def _fill(world: World) -> None:
    disk = world.stage.small_disk
    assert disk is not None
    with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
        while shutil.disk_usage(disk).free:
            filler.write(b"\0" * MEGABYTE)


SERVER_FAULTS: tuple[type[Fault], ...] = (
    BrokerDownBriefly,
    BrokerDownLong,
    RelaysKilledInOutage,
    EnrollerDatabaseRestarted,
    ReaderDatabaseRestarted,
    DiskFull,
    RedisFlushed,
)
