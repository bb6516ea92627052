"""I9, how soon ages are back after each fault; I10, whether the probes said so."""

import asyncio
import signal
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .equalities import Verdict
from .fault import Fault, World
from .watch import Watch

YOUNG_SECONDS = 1.0
MIX_LIMIT = 120.0
#: The limits are for what is new. What waited has to be handled, too, so much of it a second beside the load: a long
#: run measures at its start, with nothing broken, how much that is here, and a short one takes this.
CATCH_UP_RATE = 250.0
#: With less, the system would not be slow after a fault, but slow.
LEAST_CATCH_UP_RATE = 100.0
PAUSE_SECONDS = 5.0
MEASURED_PAUSES = 3
POLL_SECONDS = 0.2
RETURN_SECONDS = 120.0
#: Shorter outages may fall between two questions.
NOTICED_AFTER = 3.0


@dataclass
class Round:
    """One fault, or a mix, from its beginning to when ages were young again."""

    names: tuple[str, ...]
    began: float
    lasted: float = 0.0
    oldest: float = 0.0
    returned_after: float | None = None
    recovered_after: float | None = None
    limit: float = MIX_LIMIT
    allowance: float = 0.0
    unready: dict[str, set[str]] = field(default_factory=dict)
    unnoticed: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    """What had not come back when the patience for it was over."""
    stuck: list[str] = field(default_factory=list)
    """The long transactions at that moment."""

    @property
    def name(self) -> str:
        return " + ".join(self.names)

    def is_late(self, slack: float) -> bool:
        return self.recovered_after is None or self.recovered_after > (self.limit + self.allowance) * slack

    def used_its_allowance(self, slack: float) -> bool:
        """In time only because of what waited: told, so that the allowance hides nothing."""
        return not self.is_late(slack) and (self.recovered_after or 0.0) > self.limit * slack


def limit_of(faults: Sequence[Fault]) -> float:
    return faults[0].limit_seconds if len(faults) == 1 else MIX_LIMIT


async def measure_catch_up(world: World, watch: Watch) -> float:
    """Events a second that are made up for beside the load, after the relays paused and nothing else was amiss."""
    measured: list[float] = []
    for _ in range(MEASURED_PAUSES):
        await asyncio.sleep(PAUSE_SECONDS)
        measured.append(await _caught_up_after_a_pause(world, watch))
    return statistics.median(measured)


async def _caught_up_after_a_pause(world: World, watch: Watch) -> float:
    relays = world.system.of_role("relay")
    for relay in relays:
        relay.send(signal.SIGSTOP)
    await asyncio.sleep(PAUSE_SECONDS)
    waiting, began = world.load.owed(), time.monotonic()
    for relay in relays:
        relay.send(signal.SIGCONT)
    await _until(lambda: watch.measured > began and watch.age < YOUNG_SECONDS, RETURN_SECONDS)
    return waiting / (time.monotonic() - began)


async def watch_recovery(done: Round, world: World, watch: Watch, *, slack: float, catch_up: float) -> None:
    """Wait for every process to answer again, and from then on for young ages; give up after the limit."""
    mended = time.monotonic()
    if await _until(lambda: not world.stage.away and not watch.silent(since=mended), RETURN_SECONDS):
        back = time.monotonic()
        done.returned_after = back - mended
        done.allowance = world.load.owed() / catch_up
        if await _until(
            lambda: watch.measured > back and watch.age < YOUNG_SECONDS, (done.limit + done.allowance) * slack + 5
        ):
            done.recovered_after = time.monotonic() - back
    else:
        done.silent = [*world.stage.away, *watch.silent(since=mended)]
    if done.recovered_after is None:
        done.stuck = await watch.find_long_transactions()
    done.oldest = watch.oldest_ever


def note_probes(done: Round, faults: Sequence[Fault], watch: Watch) -> None:
    """Which processes called themselves not ready, and which should have and did not."""
    done.unready = {name: set(parts) for name, parts in watch.unready.items() if parts}
    if done.lasted < NOTICED_AFTER:
        return
    for server in {server for fault in faults for server in fault.takes_away if server.endswith("-postgres")}:
        service = server.removesuffix("-postgres")
        asked = {part.name for part in watch.system.parts.values() if part.service == service}
        if not any("database" in done.unready.get(name, ()) for name in asked):
            done.unnoticed.append(f"no process of {service} said that its database was away ({done.name})")


def i9(rounds: Sequence[Round], *, slack: float, catch_up: float, rest: str | None, reported_age: float) -> Verdict:
    """All ages are under a second again in time, and the system comes to rest."""
    late = [
        f"{done.name}: {_seconds(done.recovered_after)} of {(done.limit + done.allowance) * slack:.0f} s{_silent(done)}"
        for done in rounds
        if done.is_late(slack)
    ]
    unrest = [f"no rest afterwards: {rest}"] if rest else []
    stale = [f"a process reports an age of {reported_age:.1f} s at rest"] if reported_age > YOUNG_SECONDS else []
    slow = [f"only {catch_up:.0f} events/s are made up for"] if catch_up < LEAST_CATCH_UP_RATE else []
    allowed = sum(done.used_its_allowance(slack) for done in rounds)
    slowest = max(rounds, key=_share_of_limit, default=None)
    told = ""
    if slowest:
        whole = slowest.limit + slowest.allowance
        told = f", nearest to its limit {slowest.name}: {_seconds(slowest.recovered_after)} of {whole:.0f} s"
    counts = (
        f"{len(rounds):,} rounds, {len(late):,} late, {allowed:,} by the allowance for what waited"
        f" (at {catch_up:.0f} events/s; slack x{slack:g}){told}"
    )
    return Verdict("I9", counts, (*late, *slow, *unrest, *stale))


def i10(rounds: Sequence[Round], watch: Watch) -> Verdict:
    """Processes said so when they were not ready, never said that they were not live, and are ready at the end."""
    unnoticed = [line for done in rounds for line in done.unnoticed]
    said = sum(bool(done.unready) for done in rounds)
    unready = [] if watch.all_ready() else [f"not ready at the end: {_unready(watch)}"]
    counts = f"/readyz said {said:,} of {len(rounds):,} rounds, /livez denied life {len(watch.not_live):,} times"
    return Verdict("I10", counts, (*watch.not_live, *unnoticed, *unready))


def _unready(watch: Watch) -> str:
    return ", ".join(part.name for part in watch.system.wanted if not watch.said[part.name].is_ready)


def _silent(done: Round) -> str:
    return f" (silent: {', '.join(done.silent)})" if done.silent else ""


def _share_of_limit(done: Round) -> float:
    return (done.recovered_after or 0.0) / (done.limit + done.allowance)


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"


async def _until(is_so: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True
