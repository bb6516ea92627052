"""The doors of the services: who may ask one now, who waits a moment for a place, and who is told to come back."""

import asyncio
import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Final

from prometheus_client import Counter, Gauge

from stoa_common.logs import get_logger
from stoa_gateway.routing.domain import Priority
from stoa_gateway.upstreams.domain import (
    RANKS,
    Backlog,
    Breaker,
    Capacity,
    RetryBudget,
    UpstreamIsBusy,
    UpstreamIsResting,
)

MEASURED_EACH_SECONDS: Final = 0.2
IN_FLIGHT = Gauge("stoa_upstream_requests", "Requests that the service is working on.", ["upstream"])
WAITING = Gauge("stoa_upstream_waiting", "Requests that wait for a place at the service.", ["upstream"])
IS_OPEN = Gauge("stoa_upstream_breaker_open", "1 while the service is left alone.", ["upstream"])
REFUSED = Counter(
    "stoa_upstream_refused_total", "Requests refused before the service was asked.", ["upstream", "reason"]
)
RETRIES = Counter("stoa_upstream_retries_total", "Requests that were sent a second time.", ["upstream"])
BACKLOG = Gauge("stoa_gateway_backlog_seconds", "How far the event loop is behind, all the time.")
log = get_logger()


@dataclass(order=True, slots=True)
class _Waiter:
    rank: int
    number: int
    place: "asyncio.Future[None]"
    priority: Priority


class Door:
    """The way to one service: its places, its breaker and its retries."""

    def __init__(self, name: str, capacity: Capacity) -> None:
        self.name = name
        self.breaker = Breaker(name, capacity)
        self._budget = RetryBudget(capacity.retry_share)
        self._capacity = capacity
        self._places = {priority: capacity.places(priority) for priority in RANKS}
        self._taken = 0
        self._numbers = count()
        self._waiting: list[_Waiter] = []
        IN_FLIGHT.labels(name).set_function(lambda: self._taken)
        WAITING.labels(name).set_function(lambda: len(self._waiting))
        IS_OPEN.labels(name).set_function(lambda: self.breaker.is_open)

    async def enter(self, priority: Priority) -> None:
        """Take a place, or wait a moment for one; whoever entered must leave.

        Raises UpstreamIsResting, UpstreamIsBusy.
        """
        self._check_breaker()
        self._budget.earn()
        if self._taken < self._places[priority] and not self._is_behind(priority):
            self._taken += 1
            return
        await self._wait(priority)

    def leave(self) -> None:
        """Give the place back; the most important of those who wait gets it."""
        self._taken -= 1
        while self._waiting and self._taken < self._places[self._waiting[0].priority]:
            waiter = heapq.heappop(self._waiting)
            if not waiter.place.done():
                self._taken += 1
                waiter.place.set_result(None)

    def may_retry(self) -> bool:
        """Whether a request may be sent a second time; counts it."""
        if self.breaker.is_open or not self._budget.spend():
            return False
        RETRIES.labels(self.name).inc()
        return True

    def failed(self, now: float, *, asked_at: float) -> None:
        """Tell the breaker; said once, when it opens."""
        was_open = self.breaker.is_open
        self.breaker.failed(now, asked_at=asked_at)
        if self.breaker.is_open and not was_open:
            log.warning("upstream_left_alone", upstream=self.name)

    def succeeded(self) -> None:
        if self.breaker.is_open:
            log.info("upstream_is_back", upstream=self.name)
        self.breaker.succeeded()

    def _check_breaker(self) -> None:
        try:
            self.breaker.admit(asyncio.get_running_loop().time())
        except UpstreamIsResting:
            REFUSED.labels(self.name, "resting").inc()
            raise

    def _is_behind(self, priority: Priority) -> bool:
        """Whether somebody waits who is at least as important."""
        return bool(self._waiting) and self._waiting[0].rank <= RANKS[priority]

    async def _wait(self, priority: Priority) -> None:
        self._make_room(priority)
        waiter = _Waiter(RANKS[priority], next(self._numbers), asyncio.get_running_loop().create_future(), priority)
        heapq.heappush(self._waiting, waiter)
        try:
            async with asyncio.timeout(self._capacity.wait_seconds):
                await waiter.place
        except TimeoutError:
            self._give_up(waiter)
            raise self._busy() from None
        except asyncio.CancelledError:
            self._give_up(waiter)
            raise

    def _give_up(self, waiter: _Waiter) -> None:
        """Whoever got a place in the same moment gives it to the next."""
        if waiter.place.done() and not waiter.place.cancelled() and waiter.place.exception() is None:
            self.leave()
        elif waiter in self._waiting:
            self._waiting.remove(waiter)
            heapq.heapify(self._waiting)

    def _make_room(self, priority: Priority) -> None:
        """Raises UpstreamIsBusy where too many wait, unless one of them is less important: then that one is refused."""
        if len(self._waiting) < self._capacity.max_waiting:
            return
        last = max(self._waiting, default=None)
        if last is None or last.rank <= RANKS[priority]:
            raise self._busy()
        self._waiting.remove(last)
        heapq.heapify(self._waiting)
        if not last.place.done():
            last.place.set_exception(self._busy())

    def _busy(self) -> UpstreamIsBusy:
        REFUSED.labels(self.name, "busy").inc()
        return UpstreamIsBusy(self.name)


class Upstreams:
    """All doors, and the gateway's own: what it has to do itself."""

    def __init__(self, capacities: Mapping[str, Capacity]) -> None:
        self._doors = {name: Door(name, capacity) for name, capacity in capacities.items()}
        self._backlog = Backlog()
        BACKLOG.set_function(lambda: self._backlog.seconds)

    def door(self, name: str) -> Door:
        return self._doors[name]

    def ensure_time(self, priority: Priority) -> None:
        """Raises GatewayIsBusy where the gateway itself is behind, and requests of this priority can wait."""
        self._backlog.ensure_time(priority)

    async def run(self) -> None:
        """Measure how late the event loop is, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            asked_at = loop.time()
            await asyncio.sleep(MEASURED_EACH_SECONDS)
            self._backlog.measure(loop.time() - asked_at - MEASURED_EACH_SECONDS)
