"""How much may be asked: the `[limits.<class>]` sections of the gateway's policies, read and checked at start.

`person = "300/min burst 60"` lets a person ask 300 times in a minute, and at most 60 times at once.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

#: Whose requests a rate counts together; `everyone` has one count for the whole class.
KINDS: Final = ("address", "person", "key", "organization", "everyone")
_SECOND_US: Final = 1_000_000
_PERIODS_US: Final = {"s": _SECOND_US, "min": 60 * _SECOND_US, "h": 3600 * _SECOND_US, "day": 86_400 * _SECOND_US}
_RATE: Final = re.compile(r"([0-9][0-9_]*)/(s|min|h|day)(?: burst ([0-9][0-9_]*))?")
#: A name goes into header fields and into Redis keys as it is.
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
#: Beyond it, numbers in Lua (doubles) would not be exact any more.
_LONGEST_US: Final = 400 * 86_400 * _SECOND_US


class BadLimits(ValueError):
    """A section of the policies makes no limits; the message names it, and what to write instead."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One unit each `interval_us`, and up to `burst` units at once. Times are whole microseconds, as Redis has them."""

    interval_us: int
    burst: int

    @property
    def depth_us(self) -> int:
        """How long a spent burst takes to be whole again."""
        return self.interval_us * self.burst

    @property
    def window_seconds(self) -> int:
        """Whoever takes at most `burst` in each window of this length is never refused."""
        return -(-self.depth_us // _SECOND_US)


@dataclass(frozen=True, slots=True)
class RouteClass:
    """Routes that share their quotas: what a request costs, and the rate for each kind of caller that has one."""

    name: str
    cost: int
    rates: Mapping[str, Rate]


def read_classes(sections: Mapping[str, object], *, scale: float = 1.0) -> dict[str, RouteClass]:
    """The classes by name. `scale` multiplies every rate and burst; 0 means no limits. Raises BadLimits."""
    return {name: _read_class(name, section, scale) for name, section in sections.items()}


def _read_class(name: str, section: object, scale: float) -> RouteClass:
    if not _NAME.fullmatch(name):
        raise BadLimits(f"[limits.{name}]: write a name of small letters, digits and hyphens.")
    if not isinstance(section, Mapping):
        raise BadLimits(f'[limits.{name}]: write a section with rates, such as person = "600/min".')
    if unknown := sorted(section.keys() - {*KINDS, "cost"}):
        raise BadLimits(f"[limits.{name}] {unknown[0]}: a section has {', '.join(KINDS)} and cost.")
    cost = section.get("cost", 1)
    if not isinstance(cost, int) or isinstance(cost, bool) or cost < 1:
        raise BadLimits(f"[limits.{name}] cost: write how many units a request takes, 1 or more.")
    written = {kind: section[kind] for kind in KINDS if kind in section}
    rates = {kind: _read_rate(f"[limits.{name}] {kind}", text, scale) for kind, text in written.items()}
    for kind, rate in rates.items():
        if scale and cost > rate.burst:
            raise BadLimits(f"[limits.{name}] {kind}: a burst of {rate.burst} lets no request pass that costs {cost}.")
    return RouteClass(name, cost, rates if scale else {})


def _read_rate(place: str, text: object, scale: float) -> Rate:
    found = _RATE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise BadLimits(f'{place}: write a rate such as "600/min" or "600/min burst 100" (per s, min, h or day).')
    count, burst = int(found[1]), int(found[3] or found[1])
    if count < 1 or burst < 1:
        raise BadLimits(f"{place}: a rate and its burst are 1 or more; leave the line out for no limit.")
    interval_us = max(1, _PERIODS_US[found[2]] // max(1, round(count * scale)))
    rate = Rate(interval_us, max(1, round(burst * scale)))
    if rate.depth_us > _LONGEST_US:
        raise BadLimits(f"{place}: a burst that takes over 400 days to come back is no rate; write a smaller one.")
    return rate
