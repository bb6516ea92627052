"""When a service is asked, and when it is left alone: shares of its capacity, its circuit breaker, its retries.

Times are seconds of any clock that only moves on, and come in as arguments.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import ceil
from typing import Any, Final

from stoa_common.errors import Unavailable
from stoa_gateway.routing.domain import Priority

#: As a number, the lowest is served first.
RANKS: Final[Mapping[Priority, int]] = {"high": 0, "normal": 1, "batch": 2}
#: How long one probe keeps the others waiting for its end.
PROBE_SECONDS: Final = 5.0
#: Retries that a service has to its name at most, and at start: a fault in a quiet hour may be mended, too.
MOST_RETRIES: Final = 10.0

_BOUNDS: Final = {
    **dict.fromkeys(("normal_share", "batch_share", "retry_share"), (0, 1)),
    "max_waiting": (0, 1_000_000),
}


class UpstreamIsBusy(Unavailable):
    """The service has as many requests as it can take; more would only wait."""

    def __init__(self, service: str) -> None:
        super().__init__(f"The service {service} has too much to do; try again in a moment.", retry_after_seconds=1)


class UpstreamIsResting(Unavailable):
    """The service failed several times in a row, and is left alone for a while."""

    def __init__(self, service: str, *, seconds: float) -> None:
        super().__init__(
            f"The service {service} has failed and is left alone for a moment; try again then.",
            retry_after_seconds=max(1, ceil(seconds)),
        )


class GatewayIsBusy(Unavailable):
    """The gateway has more to do than it can, and refuses what can wait."""

    def __init__(self) -> None:
        super().__init__("There is too much to do at the moment; try again in a few seconds.", retry_after_seconds=3)


class BadCapacity(ValueError):
    """A section `[upstreams.<name>]` of the settings file says something that makes no sense."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much one service is asked at once; `policies.toml` explains each."""

    max_concurrent: int = 256
    max_waiting: int = 64
    wait_seconds: float = 0.5
    normal_share: float = 0.9
    batch_share: float = 0.5
    retry_share: float = 0.1
    breaks_after: int = 5
    rest_seconds: float = 1.0
    longest_rest_seconds: float = 4.0

    def places(self, priority: Priority) -> int:
        """How many of all places requests of this priority may take; at least one."""
        share = {"high": 1.0, "normal": self.normal_share, "batch": self.batch_share}[priority]
        return max(1, int(self.max_concurrent * share))


def read_capacities(sections: Mapping[str, Any], *, known: frozenset[str]) -> dict[str, Capacity]:
    """The capacity of each known service: its own section on top of `[upstreams.default]`. Raises BadCapacity."""
    if unknown := sorted(sections.keys() - known - {"default"}):
        raise BadCapacity(f"[upstreams.{unknown[0]}]: there is default, {', '.join(sorted(known))}.")
    default = _numbers("default", sections.get("default", {}))
    return {name: Capacity(**{**default, **_numbers(name, sections.get(name, {}))}) for name in known}


def _numbers(name: str, section: Any) -> dict[str, Any]:
    kinds = {field.name: field.type for field in fields(Capacity)}
    if not isinstance(section, Mapping):
        raise BadCapacity(f"[upstreams.{name}]: write a section with {', '.join(kinds)}.")
    if unknown := sorted(section.keys() - kinds.keys()):
        raise BadCapacity(f"[upstreams.{name}] {unknown[0]}: there is {', '.join(kinds)}.")
    place = f"[upstreams.{name}]"
    return {key: _number(f"{place} {key}", key, value, whole=kinds[key] is int) for key, value in section.items()}


def _number(place: str, key: str, value: Any, *, whole: bool) -> float:
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise BadCapacity(f"{place}: write a {'whole ' if whole else ''}number.")
    lowest, highest = _BOUNDS.get(key, (1 if whole else 0.001, 1_000_000))
    if not lowest <= value <= highest:
        raise BadCapacity(f"{place}: write a number from {lowest} to {highest}.")
    return value


class Breaker:
    """Closed while the service answers; open after failures in a row; then one probe at a time, until one succeeds."""

    def __init__(self, service: str, capacity: Capacity) -> None:
        self._service = service
        self._capacity = capacity
        self._failures = 0
        self._opened_at = 0.0
        self._rests_until = 0.0

    @property
    def is_open(self) -> bool:
        return self._failures >= self._capacity.breaks_after

    def admit(self, now: float) -> None:
        """Raises UpstreamIsResting, unless the service may be asked. Whoever passes an open breaker is the probe."""
        if not self.is_open:
            return
        if now < self._rests_until:
            raise UpstreamIsResting(self._service, seconds=self._rests_until - now)
        self._rests_until = now + PROBE_SECONDS

    def succeeded(self) -> None:
        """The service has begun an answer, whichever: it is there."""
        self._failures = 0

    def failed(self, now: float, *, asked_at: float) -> None:
        """The service was not there, or did not answer. What was asked before the breaker opened tells nothing new."""
        if self.is_open and asked_at < self._opened_at:
            return
        self._failures += 1
        if self.is_open:
            self._opened_at, self._rests_until = now, now + self._rest()

    def abandoned(self, now: float) -> None:
        """A client left before anything was known; if it was the probe, the next one is."""
        if self.is_open:
            self._rests_until = min(self._rests_until, now + self._capacity.rest_seconds)

    def _rest(self) -> float:
        doublings = min(self._failures - self._capacity.breaks_after, 20)
        return float(min(self._capacity.rest_seconds * 2**doublings, self._capacity.longest_rest_seconds))


class RetryBudget:
    """Retries in proportion to requests, so that a service in trouble is not asked twice as much."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._left = MOST_RETRIES if share else 0.0

    def earn(self) -> None:
        """A request was made."""
        self._left = min(MOST_RETRIES, self._left + self._share)

    def spend(self) -> bool:
        """Whether there is a retry left; it is taken."""
        if self._left < 1:
            return False
        self._left -= 1
        return True


#: How late the event loop may be, all the time, before batch and then normal requests are refused.
LATE_SECONDS: Final[Mapping[Priority, float]] = {"batch": 0.5, "normal": 2.0}


class Backlog:
    """How far the event loop is behind: the smallest delay of the last measurements.

    A standing queue and no single burst, as in CoDel (RFC 8289): what a burst delays is soon caught up.
    """

    def __init__(self, *, measurements: int = 5) -> None:
        self._delays = [0.0] * measurements
        self._at = 0
        self.seconds = 0.0

    def measure(self, delay: float) -> None:
        self._delays[self._at] = delay
        self._at = (self._at + 1) % len(self._delays)
        self.seconds = min(self._delays)

    def ensure_time(self, priority: Priority) -> None:
        """Raises GatewayIsBusy where requests of this priority would only make the queue longer."""
        if self.seconds and self.seconds > LATE_SECONDS.get(priority, float("inf")):
            raise GatewayIsBusy
