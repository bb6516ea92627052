"""One round: a fault, and what is answered until all is well again."""

import asyncio
import time
from dataclasses import dataclass, field

from .follower import Follower
from .load import Load
from .parts import Fault, Happening, PartIsAway, Parts
from .promises import Answer, broken_promise

#: Nothing was refused for so long: it is back.
QUIET_SECONDS = 3.0
BACK_SECONDS = 120.0
#: Younger attempts may still be on their way to the stream.
TOLD_SECONDS = 5.0


@dataclass
class Scene:
    """What a round needs."""

    parts: Parts
    load: Load
    follower: Follower


@dataclass
class Round:
    """What was answered from the fault's beginning until all was well again."""

    fault: Fault
    answers: list[Answer] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    #: How long after the fault's end the last request was refused.
    refused_until: float = 0.0
    #: When, after the fault's end, nothing was missing any more, on the stream neither; None: it took too long.
    well_after: float | None = None

    def slowest(self, *, touched: bool) -> Answer | None:
        """Of the services that were touched, or of the others."""
        target = self.fault.target
        return max((a for a in self.answers if a.ask.is_touched_by(target) is touched), key=_seconds, default=None)


async def play(scene: Scene, fault: Fault) -> Round:
    """One fault, until all is well again or it took too long."""
    done, began = Round(fault), time.monotonic()
    await _suffer(scene.parts, fault)
    mended = time.monotonic()
    while (missing := _what_is_missing(scene, mended)) and time.monotonic() - mended < BACK_SECONDS:
        await asyncio.sleep(0.3)
    done.answers = [answer for answer in scene.load.answers if answer.ended >= began]
    wrong = (broken_promise(answer, fault.target, since=began) for answer in done.answers)
    done.broken = [what for what in wrong if what is not None]
    done.refused_until = max([0.0, *(answer.ended - mended for answer in done.answers if not answer.is_fine)])
    if missing:
        done.broken.append(f"not well after {BACK_SECONDS:.0f} s: {missing}")
    else:
        done.well_after = time.monotonic() - mended
    return done


async def _suffer(parts: Parts, fault: Fault) -> None:
    while True:
        try:
            match fault.happening:
                case Happening.KILLED:
                    parts.kill(fault.target)
                case Happening.RESTARTED:
                    parts.end(fault.target)
                case Happening.PAUSED:
                    await _paused(parts, fault)
            return
        except PartIsAway:
            await asyncio.sleep(0.5)


async def _paused(parts: Parts, fault: Fault) -> None:
    try:
        parts.pause(fault.target)
        await asyncio.sleep(fault.seconds)
    finally:
        parts.resume(fault.target)


def _what_is_missing(scene: Scene, mended: float) -> str:
    """Why it is not well again; nothing where it is."""
    now = time.monotonic()
    quiet_since = max(mended, now - QUIET_SECONDS)
    if now - mended < QUIET_SECONDS:
        return "too early to say"
    refused = [answer for answer in scene.load.answers if answer.ended > quiet_since and not answer.is_fine]
    if refused:
        return str(refused[-1])
    answered = {answer.ask.name for answer in scene.load.answers if answer.began > mended and answer.is_fine}
    if silent := {ask.name for ask in scene.load.asks if ask.is_awaited} - answered:
        return f"no answer of {', '.join(sorted(silent))}"
    if late := scene.follower.untold(scene.load.attempts, before=now - TOLD_SECONDS):
        return f"{len(late)} attempts were not told on the stream"
    return "" if scene.parts.are_ready() else "a part is not ready"


def _seconds(answer: Answer) -> float:
    return answer.seconds
