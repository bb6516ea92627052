"""What clients may reach: the routes of the services' own OpenAPI documents, and what the gateway asks of each."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

from stoa_common.errors import MethodNotAllowed, NotFound, Unavailable

Document = Mapping[str, Any]
METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "trace")


class PathIsUnknown(NotFound):
    """No service has this path."""


class MethodIsNotAllowed(MethodNotAllowed):
    """The path exists, but not for this method; `Allow` lists those it has."""


class NothingIsConfigured(NotFound):
    """The path belongs to an upstream that this gateway was given no address of."""

    def __init__(self, upstream: str) -> None:
        super().__init__(f"Nothing answers here until GATEWAY_{upstream.upper()}_URL names an upstream.")


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
    #: It shows no document: every path below its prefixes is its own. Without a URL there is nothing there.
    is_opaque: bool = False

    def owns(self, path: str) -> bool:
        return any(path == prefix or path.startswith(f"{prefix}/") for prefix in self.prefixes)


Priority = Literal["high", "normal", "batch"]


@dataclass(frozen=True, slots=True)
class CacheRule:
    """Answers are fresh for a while, may be shown for another while a new one is fetched, and end with these events."""

    fresh_seconds: float
    stale_seconds: float = 0.0
    #: Types of events, such as `stoa.content.course.published.v1`.
    purged_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """What one route asks of the gateway; `policies.toml` explains each, and gives the values."""

    limit_class: str = "default"
    priority: Priority = "normal"
    answer_seconds: float = 60.0
    idle_seconds: float = 60.0
    max_body_bytes: int = 1_048_576
    retries: bool = True
    cache: CacheRule | None = None
    #: How long a whole body may take to come.
    body_seconds: float = 60.0
    #: Media types that a body may have, such as `application/json`, `application/*+json`, `multipart/*` and `*/*`.
    content_types: tuple[str, ...] = ("*/*",)
    #: Routes of other methods do not exist, whatever a service declares.
    methods: tuple[str, ...] = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of one service. `path` is its template, as metrics and traces name it."""

    service: str
    method: str
    path: str
    is_public: bool
    #: Whether it is a page, or gives a browser another cookie: it is left those that the browser got from auth.
    takes_cookie: bool = False
    #: What a caller needs, as the service declares it; None where anybody who has a token may ask.
    permission: str | None = None
    #: Whether the service keeps the answer of a write by its `Idempotency-Key`.
    keeps_answer: bool = False
    policy: Policy = Policy()


PolicyOf = Callable[[str, str], Policy]


def no_policy(method: str, path: str) -> Policy:  # noqa: ARG001  # the shape of `PolicyOf`
    """What holds where nobody wrote policies."""
    return Policy()


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


def keeps_answer(operation: Mapping[str, Any]) -> bool:
    parameters = operation.get("parameters")
    named = [part for part in parameters if isinstance(part, dict)] if isinstance(parameters, list) else []
    return any(str(part.get("name")).lower() == "idempotency-key" and part.get("in") == "header" for part in named)


def routes(upstream: Upstream, document: Document, policy_of: PolicyOf = no_policy) -> list[Route]:
    """What clients may reach of a service, each with its policy; methods that the policy does not list are left out."""
    made = [
        _route(upstream, method.upper(), path, said, policy_of) for path, method, said in operations(upstream, document)
    ]
    return [route for route in made if route.method in route.policy.methods]


def opaque_routes(upstream: Upstream, policy_of: PolicyOf = no_policy) -> list[Route]:
    """One route a method and prefix, for an upstream that tells nothing of itself: whoever has a token may ask."""
    paths = [f"{prefix}/{{path}}" for prefix in upstream.prefixes]
    made = [
        Route(upstream.name, method.upper(), path, is_public=False, policy=policy_of(method.upper(), path))
        for path in paths
        for method in METHODS
    ]
    return [route for route in made if route.method in route.policy.methods]


def _route(upstream: Upstream, method: str, path: str, said: Mapping[str, Any], policy_of: PolicyOf) -> Route:
    permission = said.get("x-permission")
    return Route(
        service=upstream.name,
        method=method,
        path=path,
        is_public=is_public(said),
        takes_cookie=takes_cookie(upstream, said),
        permission=permission if isinstance(permission, str) else None,
        keeps_answer=keeps_answer(said),
        policy=policy_of(method, path),
    )
