"""One OpenAPI 3.1 document out of many: what each service shows, under names that no other service has."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Any

from stoa_gateway.routing import domain as routing
from stoa_gateway.routing.domain import Document, Upstream

#: Schemas that every service takes from the shared library: one copy, under their own names.
SHARED_SCHEMAS = frozenset({"Problem", "FieldProblem"})
SCHEME, KEY_SCHEME = "accessToken", "apiKey"
#: Payloads, not descriptions: a `$ref` inside is the payload's own.
_OPAQUE = frozenset({"example", "examples", "default", "const", "enum"})
#: Their keys are names that somebody chose (a property may be called `default`), not words of the format.
_NAMED = frozenset(
    {"properties", "patternProperties", "dependentSchemas", "$defs", "responses", "headers", "callbacks"}
)
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "An access token from POST /api/v1/auth/login, or an API key.",
}
_API_KEY = {
    "type": "apiKey",
    "in": "header",
    "name": "X-API-Key",
    "description": "An API key from POST /api/v1/auth/api-keys.",
}

#: What a newcomer reads first on the page (Markdown).
INTRODUCTION = (
    "One API in front of all services of Stoa. Register by `POST /api/v1/auth/register`, log in by"
    " `POST /api/v1/auth/login`, and send the access token as `Authorization: Bearer <token>`; here, press *Authorize*."
    " Errors are problem details (RFC 9457). Lists are pages `{items, next}`: send `next` back as `after`."
    " Writes take an `Idempotency-Key`, so that a repeated request is answered and not done again."
)


def merge(parts: Iterable[tuple[Upstream, Document]], *, title: str, version: str) -> dict[str, Any]:
    """The gateway's document: exposed operations and only the components that these reach.

    Schemas are prefixed by their service (`ContentCourseOut`), operation ids too (`content_publish_course`) and made
    unique, tags read `content: courses`, and a route that is not public asks for an access token or an API
    key.
    """
    merged: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": INTRODUCTION},
        "servers": [{"url": "/"}],
        "paths": {},
        "components": {},
        "tags": [],
    }
    for upstream, document in parts:
        _add(merged, upstream, document)
    _make_operation_ids_unique(merged["paths"])
    merged["components"] = _reached(merged["paths"], merged["components"])
    merged["components"]["securitySchemes"] = {SCHEME: _BEARER, KEY_SCHEME: _API_KEY}
    return merged


def _add(merged: dict[str, Any], upstream: Upstream, document: Document) -> None:
    for path, method, operation in routing.operations(upstream, document):
        item = merged["paths"].setdefault(path, _shared_part(upstream.name, document["paths"][path]))
        item[method] = _operation(upstream.name, method, path, operation)
        _add_tags(merged["tags"], item[method]["tags"], document)
    for kind, named in document.get("components", {}).items():
        if kind != "securitySchemes":
            known = merged["components"].setdefault(kind, {})
            known.update(
                (_name(upstream.name, kind, key), _renamed(upstream.name, part)) for key, part in named.items()
            )


def _shared_part(service: str, item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _renamed(service, item[key]) for key in ("summary", "description", "parameters") if key in item}


def _operation(service: str, method: str, path: str, operation: Mapping[str, Any]) -> dict[str, Any]:
    renamed: dict[str, Any] = _renamed(service, operation)
    renamed.setdefault("operationId", f"{service}_{method}_{path.strip('/').replace('/', '_')}")
    renamed["tags"] = [f"{service}: {tag}" for tag in operation.get("tags", [])] or [service]
    renamed["security"] = [] if routing.is_public(operation) else [{SCHEME: []}, {KEY_SCHEME: []}]
    return renamed


def _add_tags(tags: list[dict[str, Any]], names: Iterable[str], document: Document) -> None:
    known = {tag["name"] for tag in tags}
    described = {tag["name"]: tag.get("description") for tag in document.get("tags", [])}
    for name in names:
        if name not in known:
            description = described.get(name.partition(": ")[2])
            tags.append({"name": name, "description": description} if description else {"name": name})


def _name(service: str, kind: str, name: str) -> str:
    if kind == "securitySchemes" or (kind == "schemas" and name in SHARED_SCHEMAS):
        return name
    return f"{service.capitalize()}{name}"


def _renamed(service: str, part: Any) -> Any:
    """A copy whose references and operation ids point to the new names."""
    if isinstance(part, list):
        return [_renamed(service, element) for element in part]
    if not isinstance(part, Mapping):
        return part
    return {key: _renamed_value(service, key, value) for key, value in part.items()}


def _renamed_value(service: str, key: str, value: Any) -> Any:
    if key in _OPAQUE:
        return value
    if key in _NAMED and isinstance(value, Mapping):
        return {name: _renamed(service, part) for name, part in value.items()}
    if key == "$ref" and isinstance(value, str):
        return _reference(service, value)
    if key == "operationId" and isinstance(value, str):
        return f"{service}_{value}"
    if key == "mapping" and isinstance(value, Mapping) and all(isinstance(v, str) for v in value.values()):
        return {name: _reference(service, target) for name, target in value.items()}
    return _renamed(service, value)


def _reference(service: str, reference: str) -> str:
    head, _, rest = reference.partition("#/components/")
    kind, _, name = rest.partition("/")
    return f"#/components/{kind}/{_name(service, kind, name)}" if not head and name else reference


def _make_operation_ids_unique(paths: Mapping[str, Any]) -> None:
    taken: set[str] = set()
    for item in paths.values():
        for operation in (item[method] for method in routing.METHODS if method in item):
            wanted = operation["operationId"]
            names = (wanted if n == 1 else f"{wanted}_{n}" for n in count(1))
            operation["operationId"] = next(name for name in names if name not in taken)
            taken.add(operation["operationId"])


def _reached(paths: Any, components: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The components that the paths refer to, directly or through another; internal routes' shapes stay inside."""
    reached: dict[str, dict[str, Any]] = {}
    waiting = list(_references(paths))
    while waiting:
        kind, _, name = waiting.pop().removeprefix("#/components/").partition("/")
        part = components.get(kind, {}).get(name)
        if part is not None and name not in reached.setdefault(kind, {}):
            reached[kind][name] = part
            waiting.extend(_references(part))
    return {kind: dict(sorted(named.items())) for kind, named in sorted(reached.items()) if named}


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for element in part:
            yield from _references(element)
    elif isinstance(part, Mapping):
        for value in part.values():
            if isinstance(value, str) and value.startswith("#/components/"):
                yield value
            else:
                yield from _references(value)
