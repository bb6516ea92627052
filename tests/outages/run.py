"""One fault after the other on a loaded platform, and what was answered meanwhile."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import httpx2

from . import figures
from .figures import Figures
from .follower import LONGEST_SILENCE_SECONDS, Follower, following
from .load import Load
from .parts import TARGETS, Fault, Happening, Parts
from .promises import broken_promise
from .rounds import BACK_SECONDS, QUIET_SECONDS, Round, Scene, play
from .school import School

WARM_UP_SECONDS = 4.0
#: Longer than the routes' time-outs, so that these and the breaker show.
PAUSE_SECONDS = 13.0

Tell = Callable[[str], None]


def matrix(only: Iterable[str] = ()) -> list[Fault]:
    """All parts killed, then paused, then restarted: one that ends twice in half a minute is started again later."""
    wanted = set(only)
    made = [Fault(name, kind, PAUSE_SECONDS * (kind is Happening.PAUSED)) for kind in Happening for name in TARGETS]
    return [each for each in made if not wanted or {each.target, f"{each.target}:{each.happening}"} & wanted]


@dataclass
class Outcome:
    """What a run has shown."""

    before: Figures
    after: Figures
    rounds: list[Round]
    broken: list[str]
    answers: int
    writes: int
    told: int
    resets: int
    #: How many requests of each kind were answered as wanted.
    fine: Counter[str]

    @property
    def holds(self) -> bool:
        return not self.all_broken

    @property
    def all_broken(self) -> list[str]:
        """Each broken promise, with the fault it was seen under."""
        under = [f"{done.fault}: {what}" for done in self.rounds for what in done.broken]
        return [*under, *self.broken]


async def run(school: School, parts: Parts, faults: Sequence[Fault], *, seconds: float, tell: Tell = print) -> Outcome:
    """No round begins after so many seconds. The gateway itself is left alone."""
    before = await _warmed_up(school, parts)
    scene = Scene(parts, Load(school), Follower(school))
    rounds: list[Round] = []
    until = time.monotonic() + seconds
    async with following(scene.follower):
        async with scene.load.running():
            await asyncio.sleep(QUIET_SECONDS)
            for fault in faults:
                if time.monotonic() < until:
                    rounds.append(await play(scene, fault))
                    tell(_line(rounds[-1]))
                    await _log_in_again(scene.load)
        broken = await _unfinished(scene)
    after = await figures.settled(school.gateway, parts.process("gateway"), before=before)
    outside = _outside(scene.load, rounds)
    writes, told = len(scene.load.attempts), sum(scene.follower.attempts.values())
    all_broken = [*broken, *scene.load.broken, *outside, *after.leaks(before)]
    answers, resets = scene.load.answers, len(scene.follower.resets)
    fine = Counter(answer.ask.name for answer in answers if answer.is_fine)
    return Outcome(before, after, rounds, all_broken, len(answers), writes, told, resets, fine)


async def _log_in_again(load: Load) -> None:
    try:
        await asyncio.to_thread(load.school.log_in_again)
    except (AssertionError, httpx2.HTTPError) as error:
        load.broken.append(f"nobody could log in after a round: {error}")


async def _warmed_up(school: School, parts: Parts) -> Figures:
    """What the gateway holds when everything was asked once, and nothing is asked any more."""
    load = Load(school)
    async with load.running():
        await asyncio.sleep(WARM_UP_SECONDS)
    bad = [str(answer) for answer in load.answers if not answer.is_fine]
    assert not bad, f"The load makes no sense before any fault: {bad[:5]}"
    await asyncio.sleep(2)
    return await figures.read(school.gateway, parts.process("gateway"))


async def _unfinished(scene: Scene) -> list[str]:
    """What is wrong with the writes and the stream when the load has ended."""
    until = time.monotonic() + BACK_SECONDS
    while scene.follower.untold(scene.load.attempts) and time.monotonic() < until:
        await asyncio.sleep(0.5)
    broken = [*scene.follower.broken]
    if untold := scene.follower.untold(scene.load.attempts):
        broken.append(f"{len(untold)} of {len(scene.load.attempts)} attempts were never told on the stream")
    if scene.follower.longest_silence > LONGEST_SILENCE_SECONDS:
        broken.append(f"the stream was silent for {scene.follower.longest_silence:.0f} s")
    return [*broken, *await scene.load.wrong_afterwards()]


def _outside(load: Load, rounds: Sequence[Round]) -> list[str]:
    """What was refused while nothing was wrong."""
    inside = {id(answer) for done in rounds for answer in done.answers}
    wrong = (broken_promise(answer, None) for answer in load.answers if id(answer) not in inside)
    return [f"outside of any fault: {what}" for what in wrong if what is not None]


def _line(done: Round) -> str:
    back = "not well again" if done.well_after is None else f"all well after {done.well_after:.1f} s"
    return f"{done.fault}: {len(done.answers)} requests, {len(done.broken)} broken promises, {back}"
