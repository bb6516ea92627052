"""Which route answers a request: a tree of path segments, so that the cost does not grow with the number of routes."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from stoa_gateway.routing.domain import (
    MethodIsNotAllowed,
    NothingIsConfigured,
    PathIsUnknown,
    PolicyOf,
    Route,
    ServiceIsDown,
    Upstream,
    no_policy,
)

#: They fill no parameter: a service could resolve them to another path than the one that was checked.
_UNSOUND = frozenset({"", ".", ".."})


@dataclass(slots=True)
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    #: Segments such as `{id}:cancel`, the longest literal part first.
    mixed: list[tuple[re.Pattern[str], "_Node"]] = field(default_factory=list)
    parameter: "_Node | None" = None
    routes: dict[str, Route] = field(default_factory=dict)

    def child(self, segment: str) -> "_Node":
        """The node that a template's segment leads to, made if it is new."""
        if "{" not in segment:
            return self.literals.setdefault(segment, _Node())
        if re.fullmatch(r"\{[^{}]+\}", segment):
            self.parameter = self.parameter or _Node()
            return self.parameter
        return self._mixed_child(_pattern(segment))

    def _mixed_child(self, pattern: str) -> "_Node":
        for known, node in self.mixed:
            if known.pattern == pattern:
                return node
        node = _Node()
        self.mixed.append((re.compile(pattern, re.DOTALL), node))
        self.mixed.sort(key=lambda pair: (-len(pair[0].pattern), pair[0].pattern))
        return node

    def find(self, method: str, segments: Sequence[str], at: int, allowed: set[str]) -> Route | None:
        """The route that the rest of the segments leads to, the most literal first; else methods that it has there."""
        if at == len(segments):
            return _of_method(self.routes, method, allowed)
        segment = segments[at]
        literal = self.literals.get(segment)
        if literal is not None and (found := literal.find(method, segments, at + 1, allowed)):
            return found
        if segment in _UNSOUND:
            return None
        for pattern, node in self.mixed:
            if pattern.fullmatch(segment) and (found := node.find(method, segments, at + 1, allowed)):
                return found
        return self.parameter.find(method, segments, at + 1, allowed) if self.parameter else None


def _of_method(routes: Mapping[str, Route], method: str, allowed: set[str]) -> Route | None:
    """HEAD is answered wherever GET is."""
    route = routes.get(method) or (routes.get("GET") if method == "HEAD" else None)
    if route is None:
        allowed.update(routes)
    return route


def _pattern(segment: str) -> str:
    parts = re.split(r"\{[^{}]+\}", segment)
    return ".+".join(re.escape(part) for part in parts)


class Table:
    """All routes of all services; `opaque` are the upstreams that show none, with what may be asked of each.

    What is asked of those has the policy of its own path: their one route stands for all.
    """

    def __init__(
        self,
        found: Iterable[Route] = (),
        *,
        silent: Iterable[Upstream] = (),
        opaque: Iterable[tuple[Upstream, Sequence[Route]]] = (),
        policy_of: PolicyOf = no_policy,
    ) -> None:
        self.routes = tuple(found)
        self._root = _Node()
        self._silent = tuple(silent)
        # Paths are their clients' to choose, so that only some are remembered.
        self._policy_of = lru_cache(maxsize=1024)(policy_of)
        self._opaque = [(upstream, {route.method: route for route in routes}) for upstream, routes in opaque]
        for route in self.routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in route.path.split("/"):
            node = node.child(segment)
        node.routes[route.method] = route

    def match(self, method: str, path: str) -> Route:
        """The route of a decoded path: literal segments before parameters, and HEAD wherever GET is.

        Raises PathIsUnknown, MethodIsNotAllowed, NothingIsConfigured, or ServiceIsDown while the path's owner has not
        shown its routes.
        """
        allowed: set[str] = set()
        segments = path.split("/")
        found = self._root.find(method, segments, 0, allowed)
        if found is None and self._opaque:
            found = self._find_opaque(method, path, segments, allowed)
        if found is None:
            raise self._refusal(path, allowed)
        return found

    def _find_opaque(self, method: str, path: str, segments: Sequence[str], allowed: set[str]) -> Route | None:
        for upstream, routes in self._opaque:
            if upstream.url and upstream.owns(path) and _UNSOUND.isdisjoint(segments[1:]):
                route = _of_method(routes, method, allowed)
                return route and replace(route, policy=self._policy_of(route.method, path))
        return None

    def _refusal(
        self, path: str, allowed: set[str]
    ) -> NothingIsConfigured | PathIsUnknown | MethodIsNotAllowed | ServiceIsDown:
        for upstream in self._silent:
            if upstream.owns(path):
                return ServiceIsDown(upstream.name)
        for upstream, _ in self._opaque:
            if upstream.owns(path) and not upstream.url:
                return NothingIsConfigured(upstream.name)
        if allowed:
            names = ", ".join(sorted(allowed | ({"HEAD"} if "GET" in allowed else set())))
            return MethodIsNotAllowed(f"This path takes {names}.", headers={"Allow": names})
        return PathIsUnknown("No service has this path; /docs lists those that exist.")
