"""The rule that the matrix test holds every route to, and example bodies for routes that want one.

A new route needs nothing here, or one line in `test_matrix.py` (or in BODIES of `test_strangers.py`): the matrix reads
the gateway's OpenAPI document, and what a caller may is in the route's `x-permission`.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Whose(StrEnum):
    """Whose the resource is that a request names."""

    OWN = "one's own"
    SAME = "somebody else's in the same organization"
    OTHER = "another organization's"


class Expected(StrEnum):
    #: Neither refused nor missing, and no fault of ours; a rule of the feature may still say no (409, 422).
    ANSWERED = "answered"
    #: Asked for what nobody has; all that counts is that the caller may ask.
    LET_IN = "let in"
    REFUSED = "403"
    MISSING = "404"

    def fits(self, status: int) -> bool:
        if self is Expected.ANSWERED:
            return status < 500 and status not in {401, 403, 404}
        if self is Expected.LET_IN:
            return status < 500 and status not in {401, 403}
        return str(status) == self


def expected(permission: str, *, held: Collection[str], whose: Whose, is_personal: bool) -> Expected:
    """What a caller with the permissions `held` gets from a route that requires `permission`.

    `is_personal`: what the route names belongs to one person, and not to their organization.
    """
    if not {permission, f"{permission}:own"}.intersection(held):
        return Expected.REFUSED
    if whose is Whose.OTHER:
        return Expected.MISSING
    if permission in held or whose is Whose.OWN or not is_personal:
        return Expected.ANSWERED
    # Only one's own may be changed: whoever sees everybody's is told so, and to others it is not there.
    noun = permission.partition(":")[0]
    return Expected.REFUSED if f"{noun}:read" in held else Expected.MISSING


@dataclass(frozen=True)
class Route:
    """One operation of the document."""

    method: str
    path: str
    operation: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def permission(self) -> str | None:
        told = self.operation.get("x-permission")
        return str(told) if told else None

    @property
    def is_for_operators(self) -> bool:
        return (self.permission or "").startswith("platform:")

    @property
    def service(self) -> str:
        parts = self.path.split("/")
        return parts[3] if parts[1:3] == ["api", "v1"] else parts[1]

    def names(self, body: Any = None) -> list[str]:
        """What the request names of somebody's, in its path or in its body."""
        return re.findall(r"\{(\w+)\}", f"{self.path} {body}")


def routes(document: Mapping[str, Any]) -> Iterator[Route]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in {"get", "post", "put", "patch", "delete"}:
                yield Route(method.upper(), path, operation)


def find_id(name: str, service: str, ids: Mapping[str, str]) -> str | None:
    """The example for a path parameter: the service's own (`auth.job_id`), or the common one (`job_id`)."""
    return ids.get(f"{service}.{name}", ids.get(name))


def filled(template: Any, service: str, ids: Mapping[str, str]) -> Any:
    """The template with examples in the place of `{names}`."""
    if isinstance(template, dict):
        return {name: filled(value, service, ids) for name, value in template.items()}
    if isinstance(template, list):
        return [filled(value, service, ids) for value in template]
    if isinstance(template, str):
        return re.sub(r"\{(\w+)\}", lambda match: find_id(match.group(1), service, ids) or match.group(0), template)
    return template


def example_body(route: Route, document: Mapping[str, Any]) -> Any:
    """The least that a JSON body may be; None where the route wants none, or no JSON."""
    content = route.operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    return _example(schema, document) if schema else None


def _example(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Any:
    schema = _resolved(schema, document)
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    for name in ("enum", "examples"):
        if schema.get(name):
            return schema[name][0]
    for name in ("anyOf", "oneOf", "allOf"):
        if name in schema:
            return _example(schema[name][0], document)
    return _of_type(schema, document)


def _resolved(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def _of_type(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Any:
    match schema.get("type"):
        case "object":
            wanted = schema.get("required", ())
            return {name: _example(schema["properties"][name], document) for name in wanted}
        case "array":
            return [_example(schema["items"], document)] * schema.get("minItems", 0)
        case "integer" | "number":
            return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        case "boolean":
            return False
        case "null":
            return None
    return _TEXTS.get(schema.get("format", ""), "x" * max(schema.get("minLength", 1), 1))


_TEXTS = {
    "uuid": "01990000-0000-7000-8000-000000000000",
    "email": "somebody@example.com",
    "date-time": "2026-01-01T00:00:00Z",
    "uri": "https://example.com/",
}
