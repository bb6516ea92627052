"""The routing table for people: a line for each route, and what the gateway asks of it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from stoa_gateway.routing.domain import Policy, Route

COLUMNS: Final = (
    *("method", "path", "service", "who", "limits", "priority", "answer", "idle", "body", "types", "retries", "cache"),
)
_UNITS: Final = ((1_073_741_824, "GiB"), (1_048_576, "MiB"), (1024, "KiB"))
_SHORT: Final = {"application/json": "json", "application/x-www-form-urlencoded": "form", "*/*": "any"}


def rows(routes: Iterable[Route], *, usual: Policy) -> list[dict[str, str]]:
    """What `COLUMNS` say of each route, by path. `usual` is the defaults, whose media types nobody wants to read."""
    listed = sorted(routes, key=lambda route: (route.path, route.method))
    return [_row(route, usual) for route in listed]


def text(table: Sequence[Mapping[str, str]]) -> str:
    """The rows under their heads, each column as wide as it needs."""
    lines = [{name: name.upper() for name in COLUMNS}, *table]
    widths = {name: max(len(line[name]) for line in lines) for name in COLUMNS}
    return "\n".join("  ".join(line[name].ljust(widths[name]) for name in COLUMNS).rstrip() for line in lines)


def limits_text(limits: Mapping[str, Any]) -> str:
    """What each class of limits allows, as the settings file writes it."""
    said = {name: ", ".join(f"{kind} {rate}" for kind, rate in rates.items()) for name, rates in limits.items()}
    width = max((len(name) for name in said), default=0)
    return "\n".join(f"{name.ljust(width)}  {rates}" for name, rates in said.items())


def _row(route: Route, usual: Policy) -> dict[str, str]:
    policy = route.policy
    takes_body = route.method in ("POST", "PUT", "PATCH", "DELETE")
    said = (
        *(route.method, route.path, route.service, _who(route), policy.limit_class, policy.priority),
        *(f"{policy.answer_seconds:g} s", f"{policy.idle_seconds:g} s"),
        _bytes(policy.max_body_bytes) if takes_body else "",
        _types(policy, usual) if takes_body else "",
        "yes" if policy.retries else "no",
        _cache(policy),
    )
    return dict(zip(COLUMNS, said, strict=True))


def _who(route: Route) -> str:
    return "anybody" if route.is_public else route.permission or "any token"


def _types(policy: Policy, usual: Policy) -> str:
    if policy.content_types == usual.content_types:
        return "usual"
    return ", ".join(_SHORT.get(each, each.removeprefix("application/")) for each in policy.content_types)


def _bytes(count: int) -> str:
    for size, unit in _UNITS:
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} B"


def _cache(policy: Policy) -> str:
    rule = policy.cache
    return "" if rule is None else f"{rule.fresh_seconds:g} s, stale {rule.stale_seconds:g} s"
