"""An OpenAPI document (3.1) beside one that was released: what would break a client that was written for that."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stoa_devkit.api.shapes import Shapes

Document = Mapping[str, Any]
_METHODS: Final = ("get", "put", "post", "delete", "patch")
_NOTHING: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True, order=True)
class Break:
    """One line for whoever changed the API."""

    operation: str
    what: str

    def __str__(self) -> str:
        return f"{self.operation}: {self.what}."


def breaks(released: Document, now: Document) -> list[Break]:
    """Everything that released clients cannot go on with, in the order of paths."""
    comparing = _Comparing(released, now)
    return sorted({Break(name, what) for name, *both in _operations(released, now) for what in comparing.of(*both)})


def _operations(released: Document, now: Document) -> Iterator[tuple[str, Any, Any]]:
    for path, item in released["paths"].items():
        for method in _METHODS:
            if method in item:
                yield f"{method.upper()} {path}", item[method], now["paths"].get(path, _NOTHING).get(method)


class _Comparing:
    def __init__(self, released: Document, now: Document) -> None:
        self._requests = Shapes(released, now, of_requests=True)
        self._answers = Shapes(released, now, of_requests=False)

    def of(self, old: Document, new: Document | None) -> Iterator[str]:
        if new is None:
            # Clients were told by `Deprecation` and `Sunset`.
            if not old.get("deprecated"):
                yield "is gone; mark it as deprecated in a release before"
            return
        if old["operationId"] != new["operationId"]:
            yield f"its operation id was {old['operationId']} and is {new['operationId']}"
        if new["security"] and (not old["security"] or any(way not in new["security"] for way in old["security"])):
            yield "asks for other credentials"
        yield from self._parameters(_by_name(old), _by_name(new))
        yield from self._body(old.get("requestBody"), new.get("requestBody"))
        yield from self._responses(old["responses"], new["responses"])

    def _parameters(self, old: Document, new: Document) -> Iterator[str]:
        for name, parameter in new.items():
            if parameter.get("required") and not old.get(name, _NOTHING).get("required"):
                yield f"{name} is required now"
        for name, parameter in old.items():
            if name not in new:
                yield f"{name} is gone"
            else:
                yield from self._requests.breaks(parameter["schema"], new[name]["schema"], name)

    def _body(self, old: Document | None, new: Document | None) -> Iterator[str]:
        if new is not None and new.get("required") and not (old or _NOTHING).get("required"):
            yield "the body is required now"
        if old is not None:
            yield from self._contents(old, new or _NOTHING, self._requests, "body")

    def _responses(self, old: Document, new: Document) -> Iterator[str]:
        for status, answer in old.items():
            if status in new:
                yield from self._contents(answer, new[status], self._answers, status)
            else:
                yield f"the answer {status} is gone"

    def _contents(self, old: Document, new: Document, shapes: Shapes, place: str) -> Iterator[str]:
        today = new.get("content", _NOTHING)
        for media_type, content in old.get("content", _NOTHING).items():
            if media_type not in today:
                yield f"{place} is not {media_type} any more"
            elif "schema" in content:
                yield from shapes.breaks(content["schema"], today[media_type].get("schema", {}), place)


def _by_name(operation: Document) -> dict[str, Any]:
    return {f"{one['in']} parameter {one['name']}": one for one in operation.get("parameters", ())}
