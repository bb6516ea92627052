"""What clients are told of their quotas: the fields of draft-ietf-httpapi-ratelimit-headers-11, and the 429.

`RateLimit-Policy` lists all quotas that count for the caller: `q` units in each window of `w` seconds never meet a
refusal. `RateLimit` tells of the one that would refuse first: `r` units are left for the next `t` seconds, and where
none is left, `t` seconds pass until there is one.
"""

from typing import Final

from stoa_common.errors import TooManyRequests
from stoa_gateway.limits.domain import SECOND_US, Decision
from stoa_gateway.limits.rates import Rate, RouteClass

Headers = list[tuple[bytes, bytes]]
#: How a refusal calls whose quota is spent.
_WHOSE: Final = {
    "address": "from your network",
    "person": "by your account",
    "key": "by this API key",
    "organization": "by your organization",
    "everyone": "by everybody together",
}


class QuotaIsExceeded(TooManyRequests):
    """Too much was asked in too short a time; `Retry-After` tells when the same request passes."""


class Quotas:
    """The quotas of a class that count for callers of one sort: `kinds` tells whose they are, in the order of keys."""

    def __init__(self, route_class: RouteClass, kinds: tuple[str, ...]) -> None:
        self.kinds = kinds
        self.cost = route_class.cost
        self.rates: tuple[Rate, ...] = tuple(route_class.rates[kind] for kind in kinds)
        self.names = tuple(f"{route_class.name}-{kind}" for kind in kinds)
        self._windows = tuple(rate.window_seconds for rate in self.rates)
        items = [f'"{n}";q={r.burst};w={w}' for n, r, w in zip(self.names, self.rates, self._windows, strict=True)]
        self._policy = ", ".join(items).encode()
        # The draft leaves room for parameters of one's own: this gateway counts alone, without the other replicas.
        self._local_policy = ", ".join(f"{item};stoa-local" for item in items).encode()

    def headers(self, decision: Decision, *, is_local: bool) -> Headers:
        """The fields as ASGI sends them."""
        at, left = decision.quota, decision.remaining
        seconds = self._windows[at] if left and not decision.wait_us else -(-decision.more_us // SECOND_US)
        return [
            (b"ratelimit", f'"{self.names[at]}";r={left};t={seconds}'.encode()),
            (b"ratelimit-policy", self._local_policy if is_local else self._policy),
        ]

    def refusal(self, decision: Decision, *, is_local: bool) -> QuotaIsExceeded:
        """The problem of a request that has to wait, with the same fields."""
        seconds = -(-decision.wait_us // SECOND_US)
        (_, limit), (_, policy) = self.headers(decision, is_local=is_local)
        headers = {"Retry-After": str(seconds), "RateLimit": limit.decode(), "RateLimit-Policy": policy.decode()}
        time = "1 second" if seconds == 1 else f"{seconds} seconds"
        whose = _WHOSE[self.kinds[decision.quota]]
        refusal = QuotaIsExceeded(f"Wait {time}: too many requests {whose}.", headers=headers)
        refusal.members["violated-policies"] = [
            name for index, name in enumerate(self.names) if decision.violates(index)
        ]
        return refusal
