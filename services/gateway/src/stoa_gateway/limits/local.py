"""Counting in this process's memory, while Redis is away: the same algorithm, for this replica alone."""

import time
from collections.abc import Sequence
from typing import Final

from stoa_gateway.limits import domain
from stoa_gateway.limits.domain import Decision
from stoa_gateway.limits.rates import Rate

_MOST_KEPT: Final = 65_536


class LocalCounts:
    """As many quotas as `most`; beyond it, those that are whole again are forgotten, then the oldest."""

    def __init__(self, *, most: int = _MOST_KEPT) -> None:
        self._most = most
        self._tats: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._tats)

    def take(self, keys: Sequence[bytes], rates: Sequence[Rate], *, cost: int, now: int | None = None) -> Decision:
        """Take of all quotas or of none; `now` in microseconds of any clock that only moves on."""
        now = time.monotonic_ns() // 1000 if now is None else now
        decision, moved = domain.decide([self._tats.get(key, 0) for key in keys], rates, cost=cost, now=now)
        if not decision.wait_us:
            # No clock is put back here, and no rate changes: only what passes moves a number.
            self._tats.update(zip(keys, moved, strict=True))
            if len(self._tats) > self._most:
                self._forget(now)
        return decision

    def _forget(self, now: int) -> None:
        """An eighth at least, so that the next requests don't pay for it again."""
        waiting = {key: tat for key, tat in self._tats.items() if tat > now}
        excess = len(waiting) - self._most * 7 // 8
        if excess > 0:
            for key in list(waiting)[:excess]:
                del waiting[key]
        self._tats = waiting
