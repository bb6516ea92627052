"""Faults of records and handlers: duplicates, poison of every kind, a bug on one key, a slow consumer."""

from stoa_common.testing.poison import POISON

from .fault import Fault, World


class Duplicates(Fault):
    """Some of the last records, or all of them, come again, from another producer."""

    name, limit_seconds = "duplicates", 20.0

    async def begin(self, world: World) -> None:
        await world.injector.repeat(world.rng.choice((0.01, 0.1, 0.5, 1.0)))


class Poison(Fault):
    """Records that no handler can take, one of each kind."""

    name, limit_seconds = "poison", 10.0

    async def begin(self, world: World) -> None:
        for kind in POISON:
            await world.injector.poison(kind)


class BugOnOneKey(Fault):
    """The handler fails for one enrollment; it and what follows it waits, until the bug is mended."""

    name, lasts_seconds, limit_seconds = "bug-on-one-key", (8.0, 15.0), 30.0

    async def begin(self, world: World) -> None:
        await world.switch("broken_key", str(world.load.some_key()))

    async def mend(self, world: World) -> None:
        await world.switch("broken_key", None)
        await world.retry_parked()


class SlowConsumer(Fault):
    """Each event takes a tenth of a second, so that the consumer falls behind."""

    name, lasts_seconds, limit_seconds = "slow-consumer", (5.0, 10.0), 60.0

    async def begin(self, world: World) -> None:
        await world.switch("slow_seconds", "0.1")

    async def mend(self, world: World) -> None:
        await world.switch("slow_seconds", None)


RECORD_FAULTS: tuple[type[Fault], ...] = (Duplicates, Poison, BugOnOneKey, SlowConsumer)
