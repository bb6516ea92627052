"""One line for each request that is over, and the gateway's own share of its time."""

from typing import Final

from prometheus_client import Histogram
from starlette.types import Scope

from stoa_common import logs
from stoa_common.http import edge
from stoa_common.http.edge import CLIENT_LEFT, Answered
from stoa_gateway.proxy.trail import TRAIL, Trail

OWN: Final = Histogram(
    "stoa_gateway_own_seconds",
    "From a request to the head of its answer, without the time of the service that was asked.",
    ["upstream"],
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5),
)


def observe(scope: Scope, answered: Answered) -> None:
    """Count the request by its route, and log it: template, status, outcome and times; no path, query or person."""
    edge.count(scope, answered)
    trail: Trail | None = scope["state"].get(TRAIL)
    if trail is not None and trail.own_seconds is not None:
        OWN.labels(trail.upstream).observe(trail.own_seconds)
    if (write := logs.lines()) is not None:
        write(_line(scope, answered, trail))


def _line(scope: Scope, answered: Answered, trail: Trail | None) -> logs.Line:
    route = getattr(scope.get("route"), "path", "")
    line: logs.Line = {
        "event": "request",
        "method": scope["method"],
        "route": route,
        "status": answered.status,
        "outcome": _outcome(answered, trail),
        "seconds": round(answered.seconds, 6),
        "bytes": answered.sent,
    }
    if answered.problem:
        line["problem"] = answered.problem
    if trail is not None:
        line["upstream"] = trail.upstream
        if trail.upstream_seconds is not None:
            line["upstream_seconds"] = round(trail.upstream_seconds, 6)
        if trail.organization is not None:
            line["organization"] = str(trail.organization)
        if trail.client_id is not None:
            line["client"] = trail.client_id
    return line


def _outcome(answered: Answered, trail: Trail | None) -> str:
    """Who answered: `service`, `twin`, `cache` or `gateway`; `refused` by the gateway; `cut` or `left` early."""
    if trail is not None and trail.outcome:
        return trail.outcome
    if answered.status == CLIENT_LEFT:
        return "left"
    if answered.problem:
        return "refused"
    if trail is None:
        return "gateway"
    return "cache" if trail.upstream_seconds is None else "service"
