"""Counting by the generic cell rate algorithm (GCRA, ITU-T I.371): a quota is one number, and no bucket is filled.

The number is the theoretical arrival time (TAT): when the quota will be whole again. A request moves it on by its cost,
and passes where that does not lead further ahead than the quota is deep. `take.lua` says the same to Redis.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from stoa_gateway.limits.rates import Rate

SECOND_US: Final = 1_000_000


class Decision(NamedTuple):
    """What becomes of a request that takes of several quotas at once: of all of them, or of none."""

    #: 0 where it may pass, else in how long it may if nobody takes anything meanwhile.
    wait_us: int
    #: The quota to tell about, by its index: the one that makes wait longest, or that has the least left.
    quota: int
    #: Whole units left of that quota.
    remaining: int
    #: In how long there is one unit more of it (after a refusal: as many as the request takes).
    more_us: int
    #: The quotas that have too little, as bits by their index.
    violated: int

    def violates(self, quota: int) -> bool:
        return bool(self.violated >> quota & 1)


def decide(tats: Sequence[int], rates: Sequence[Rate], *, cost: int, now: int) -> tuple[Decision, list[int]]:
    """What becomes of a request now, and the numbers to keep, which a refusal does not move on.

    A TAT of 0 is a quota that nobody has used. One that lies further ahead than any request may lead (the clock was
    put back, or the burst made smaller) is drawn back to there: else it would refuse until the clock has caught up.
    """
    sound = [min(tat, now + rate.depth_us) for tat, rate in zip(tats, rates, strict=True)]
    known = [max(tat, now) for tat in sound]
    moved = [tat + cost * rate.interval_us for tat, rate in zip(known, rates, strict=True)]
    waits = [tat - rate.depth_us - now for tat, rate in zip(moved, rates, strict=True)]
    longest = max(waits)
    if longest > 0:
        at = waits.index(longest)
        violated = sum(1 << index for index, wait in enumerate(waits) if wait > 0)
        return Decision(longest, at, _left(known[at], rates[at], now), longest, violated), sound
    left = [_left(tat, rate, now) for tat, rate in zip(moved, rates, strict=True)]
    at = left.index(min(left))
    return Decision(0, at, left[at], max(0, waits[at] + rates[at].interval_us), 0), moved


def _left(tat: int, rate: Rate, now: int) -> int:
    return (rate.depth_us - (tat - now)) // rate.interval_us
