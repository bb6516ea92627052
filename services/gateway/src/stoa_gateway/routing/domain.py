"""Which service answers a request: a tree of path segments, made from the services' own OpenAPI documents."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from stoa_common.errors import MethodNotAllowed, NotFound, Unavailable

Document = Mapping[str, Any]
METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "trace")


class PathIsUnknown(NotFound):
    """No service has this path."""


class MethodIsNotAllowed(MethodNotAllowed):
    """The path exists, but not for this method; `Allow` lists those it has."""


class ServiceIsDown(Unavailable):
    """The service that owns the path does not answer now."""

    def __init__(self, service: str) -> None:
        super().__init__(f"The service {service} does not answer yet; try again in a moment.")
        self.service = service


@dataclass(frozen=True, slots=True)
class Upstream:
    """A service behind the gateway: where it listens, and the paths that it alone may claim."""

    name: str
    url: str
    prefixes: tuple[str, ...]

    def owns(self, path: str) -> bool:
        return any(path == prefix or path.startswith(f"{prefix}/") for prefix in self.prefixes)


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of one service. `path` is its template, as metrics and traces name it."""

    service: str
    method: str
    path: str
    is_public: bool
    #: Whether it is a page, or gives a browser another cookie: it is left those that the browser got from auth.
    takes_cookie: bool = False


def is_document(value: object) -> TypeGuard[Document]:
    """Whether this has an OpenAPI document's shape, as far as routing relies on it."""
    paths = value.get("paths") if isinstance(value, dict) else None
    return isinstance(paths, dict) and all(_is_path_item(item) for item in paths.values())


def _is_path_item(item: object) -> bool:
    return isinstance(item, dict) and all(isinstance(item.get(method, {}), dict) for method in METHODS)


def operations(upstream: Upstream, document: Document) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(path, method, operation) of all that clients may reach: never another service's paths, nor internal ones."""
    for path, item in document["paths"].items():
        if not upstream.owns(path) or "internal" in path.split("/") or item.get("x-internal"):
            continue
        for method in METHODS:
            if method in item and not item[method].get("x-internal"):
                yield path, method, item[method]


def is_public(operation: Mapping[str, Any]) -> bool:
    """Only what says so: an operation that names neither a permission nor that it is public needs a token."""
    return "x-permission" not in operation and operation.get("x-public") is True


def takes_cookie(upstream: Upstream, operation: Mapping[str, Any]) -> bool:
    """Only auth gives cookies: another service that says so does not get at anybody's log-in by it."""
    return upstream.name == "auth" and operation.get("x-takes-cookie") is True


def routes(upstream: Upstream, document: Document) -> list[Route]:
    return [
        Route(upstream.name, method.upper(), path, is_public(operation), takes_cookie(upstream, operation))
        for path, method, operation in operations(upstream, document)
    ]


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

    def reached(self, segments: Sequence[str], at: int) -> Iterator[dict[str, Route]]:
        """The routes at every node that the segments lead to, the most literal first."""
        if at == len(segments):
            yield self.routes
            return
        segment = segments[at]
        if literal := self.literals.get(segment):
            yield from literal.reached(segments, at + 1)
        # Empty and dot segments fill no parameter: a service could resolve them to another path than the one checked.
        if segment in ("", ".", ".."):
            return
        for pattern, node in self.mixed:
            if pattern.fullmatch(segment):
                yield from node.reached(segments, at + 1)
        if self.parameter:
            yield from self.parameter.reached(segments, at + 1)


def _pattern(segment: str) -> str:
    parts = re.split(r"\{[^{}]+\}", segment)
    return ".+".join(re.escape(part) for part in parts)


class Table:
    """All routes of all services. A path is matched segment by segment, so the cost does not grow with the table."""

    def __init__(self, found: Iterable[Route] = (), *, silent: Iterable[Upstream] = ()) -> None:
        self._root = _Node()
        self._silent = tuple(silent)
        for route in found:
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in route.path.split("/"):
            node = node.child(segment)
        node.routes[route.method] = route

    def match(self, method: str, path: str) -> Route:
        """The route of a decoded path: literal segments before parameters, and HEAD wherever GET is.

        Raises PathIsUnknown, MethodIsNotAllowed, or ServiceIsDown while the path's owner has not shown its routes.
        """
        allowed: set[str] = set()
        for reached in self._root.reached(path.split("/"), 0):
            route = reached.get(method) or (reached.get("GET") if method == "HEAD" else None)
            if route:
                return route
            allowed |= reached.keys()
        raise self._refusal(path, allowed)

    def _refusal(self, path: str, allowed: set[str]) -> PathIsUnknown | MethodIsNotAllowed | ServiceIsDown:
        for upstream in self._silent:
            if upstream.owns(path):
                return ServiceIsDown(upstream.name)
        if allowed:
            names = ", ".join(sorted(allowed | ({"HEAD"} if "GET" in allowed else set())))
            return MethodIsNotAllowed(f"This path takes {names}.", headers={"Allow": names})
        return PathIsUnknown("No service has this path; /docs lists those that exist.")
