"""One run: start the system, load it, let faults come, let it rest, and hold what is there against the ledger."""

import asyncio
import contextlib
import random
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka.errors import KafkaError

from stoa_devkit.trouble import Trouble

from . import equalities, recovery
from .equalities import Verdict
from .fault import Fault, World
from .injector import Injector
from .ledger import Ledger
from .load import Load
from .mutants import MUTANTS
from .readback import backlog, read_truth
from .recovery import Round
from .schedule import FAULTS, rounds
from .stage import Stage
from .system import System
from .watch import Watch

START_SECONDS = 90.0
WARM_UP_SECONDS = 2.0
#: Runs of this length measure first how fast the system catches up.
LONG_SECONDS = 300.0
PAUSES = (1.0, 3.0)
AWAY = (OSError, TimeoutError, KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError)


@dataclass(frozen=True)
class Options:
    """What to run. `slack` multiplies the limits of I9, for machines that do other work meanwhile."""

    seconds: float
    seed: int
    rate: float = 300.0
    only: tuple[str, ...] | None = None
    """These faults; None for all."""
    mutant: str | None = None
    slack: float = 1.0
    rest_seconds: float = 180.0
    duplicates_at_least: int = 0
    relays: int = 2
    enrollments: int = 100


def against(mutant: str, *, seed: int, seconds: float = 6.0, rate: float = 120.0) -> Options:
    """A short run with what shows this mutant: few keys, so that events of one meet; nobody waits for what is lost."""
    made = MUTANTS[mutant]
    return Options(seconds, seed, rate, made.faults, mutant, rest_seconds=5.0, relays=made.relays, enrollments=10)


@dataclass
class Outcome:
    """What a run found."""

    options: Options
    verdicts: list[Verdict] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    calls: int = 0
    events: int = 0
    loaded_seconds: float = 0.0
    rest_seconds: float = 0.0
    catch_up: float = recovery.CATCH_UP_RATE
    """Events a second that the system makes up for beside the load."""
    restarts: dict[str, int] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        return all(verdict.holds for verdict in self.verdicts)

    @property
    def broken(self) -> set[str]:
        """The names of the equalities that do not hold."""
        return {verdict.name for verdict in self.verdicts if not verdict.holds}


Tell = Callable[[str], None]


async def run(stage: Stage, options: Options, folder: Path, *, tell: Tell = print) -> Outcome:
    """Everything from an empty database to the verdicts. Raises Trouble where the system does not start at all."""
    outcome = Outcome(options)
    rng = random.Random(options.seed)
    system = System(stage, folder, name=f"f{secrets.token_hex(4)}", mutant=options.mutant, relays=options.relays)
    await system.prepare()
    ledger = Ledger(folder / "ledger.jsonl")
    load = Load(system.parts["api"].url, ledger, random.Random(rng.random()), options.rate, options.enrollments)
    injector = Injector(system, random.Random(rng.random()))
    world = World(stage, system, load, injector, random.Random(rng.random()))
    watch = Watch(system, load)
    try:
        async with _in_background(system.keep(), ledger.keep(), watch.run()) as helping:
            await _started(watch, folder)
            began = time.monotonic()
            loading = asyncio.create_task(load.run())
            async with _in_background(injector.remember()) as following:
                await _suffer(world, watch, outcome, began, tell)
                _raise_any([*following, loading])
            load.stop()
            await loading
            outcome.loaded_seconds = time.monotonic() - began
            tell(f"{outcome.loaded_seconds:6.1f} s  the load ends after {load.calls:,} commands; waiting for rest")
            rest = await _rest(world, watch, outcome)
            _raise_any(helping)
            truth = await read_truth(system, ledger)
            outcome.calls, outcome.events = load.calls, len(truth.log)
            outcome.verdicts = [
                *equalities.check(truth, kills=world.kills, at_least=options.duplicates_at_least),
                recovery.i9(
                    outcome.rounds,
                    slack=options.slack,
                    catch_up=outcome.catch_up,
                    rest=rest,
                    reported_age=watch.reported_age,
                ),
                recovery.i10(outcome.rounds, watch),
            ]
    finally:
        system.end()
        outcome.restarts = {part.name: max(part.starts - 1, 0) for part in system.parts.values()}
    return outcome


async def _started(watch: Watch, folder: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while not watch.all_ready():
        if time.monotonic() > until:
            raise Trouble(f"The system did not get ready within {START_SECONDS:.0f} s; see the logs in {folder}.")
        await asyncio.sleep(0.2)


async def _suffer(world: World, watch: Watch, outcome: Outcome, began: float, tell: Tell) -> None:
    """Faults, one round after the other, until the time is over."""
    options = outcome.options
    await asyncio.sleep(WARM_UP_SECONDS)
    if options.seconds >= LONG_SECONDS:
        outcome.catch_up = await recovery.measure_catch_up(world, watch)
        tell(f"what waited, with nothing broken, was made up for at {outcome.catch_up:.0f} events/s beside the load")
    available = _available(world, outcome, tell)
    schedule = rounds(random.Random(options.seed), available)
    while available and time.monotonic() - began < options.seconds:
        faults = [FAULTS[name]() for name in next(schedule)]
        await _round(faults, world, watch, outcome, began, tell)
        await asyncio.sleep(world.rng.uniform(*PAUSES))
    await asyncio.sleep(max(0.0, options.seconds - (time.monotonic() - began)))


def _available(world: World, outcome: Outcome, tell: Tell) -> list[str]:
    wanted = tuple(FAULTS) if outcome.options.only is None else outcome.options.only
    outcome.skipped = {name: why for name in wanted if (why := FAULTS[name]().missing(world))}
    for name, why in outcome.skipped.items():
        tell(f"skipped: {name}: {why}")
    return [name for name in wanted if name not in outcome.skipped]


async def _round(
    faults: Sequence[Fault], world: World, watch: Watch, outcome: Outcome, began: float, tell: Tell
) -> None:
    # A server goes last and comes back first: the others may need it to begin or to be mended.
    ordered = sorted(faults, key=lambda fault: bool(fault.takes_away))
    done = Round(tuple(fault.name for fault in faults), time.monotonic() - began, limit=recovery.limit_of(faults))
    tell(f"{done.began:6.1f} s  {done.name}")
    watch.unready.clear()
    watch.oldest_ever = 0.0
    for fault in ordered:
        await _persist(fault.begin, world)
    await asyncio.gather(*(fault.last(world) for fault in ordered))
    for fault in reversed(ordered):
        await _persist(fault.mend, world)
    done.lasted = time.monotonic() - began - done.began
    await recovery.watch_recovery(done, world, watch, slack=outcome.options.slack, catch_up=outcome.catch_up)
    recovery.note_probes(done, faults, watch)
    outcome.rounds.append(done)
    for line in (_told(done), *done.stuck):
        tell(f"{time.monotonic() - began:6.1f} s    {line}")


def _told(done: Round) -> str:
    back = (
        f"did not come back: {', '.join(done.silent)}"
        if done.returned_after is None
        else f"all back after {done.returned_after:.1f} s"
    )
    young = "never" if done.recovered_after is None else f"{done.recovered_after:.1f} s later"
    limit = f"limit {done.limit:.0f} s and {done.allowance:.0f} for what waited"
    return f"lasted {done.lasted:.1f} s; {back}; ages young {young} ({limit}; oldest {done.oldest:.1f} s)"


async def _persist(act: Callable[[World], Awaitable[None]], world: World, *, seconds: float = 60.0) -> None:
    """In a mix, one fault may take away what another one needs for a moment."""
    until = time.monotonic() + seconds
    while True:
        try:
            await act(world)
            return
        except AWAY:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.5)


async def _rest(world: World, watch: Watch, outcome: Outcome) -> str | None:
    """Wait until nothing waits anywhere; what still does when the time is over."""
    began = time.monotonic()
    await _persist(World.retry_parked, world)
    waiting: dict[str, int] | str = "nothing was read"
    while time.monotonic() - began < outcome.options.rest_seconds:
        with contextlib.suppress(*AWAY):
            waiting = {name: count for name, count in (await backlog(world.system)).items() if count}
            if not waiting and watch.all_ready() and watch.reported_age < recovery.YOUNG_SECONDS:
                break
        await asyncio.sleep(1)
    outcome.rest_seconds = time.monotonic() - began
    return str(waiting) if waiting else None


@asynccontextmanager
async def _in_background(*work: Coroutine[Any, Any, None]) -> AsyncIterator[list["asyncio.Task[None]"]]:
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _raise_any(tasks: Sequence["asyncio.Task[None]"]) -> None:
    """What watches and loads must not end by itself: a run without it would prove nothing."""
    for task in tasks:
        if task.done():
            task.result()
            raise RuntimeError("A part of the runner ended by itself.")
