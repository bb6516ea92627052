"""What a process builds once and hands to requests, handlers and jobs, found by its type."""

from collections.abc import Iterable
from typing import Any, TypeVar

from fastapi import Depends, Request

T = TypeVar("T")


class Resources:
    """The settings and whatever the service opened at start, each under its class."""

    def __init__(self, items: Iterable[object] = ()) -> None:
        self._items: dict[type, object] = {}
        for item in items:
            self.add(item)

    def add(self, item: object) -> None:
        self._items[type(item)] = item

    def get(self, kind: type[T]) -> T:
        """The resource of this class, or of a subclass; raises LookupError where the process opened none."""
        for candidate, item in self._items.items():
            if issubclass(candidate, kind):
                return item  # type: ignore[return-value]
        raise LookupError(f"This process opened no {kind.__name__}; list it in the service's resources.")


def resource(kind: type[T]) -> Any:
    """A FastAPI dependency: `Annotated[Embedder, resource(Embedder)]`."""

    def find(request: Request) -> T:
        resources: Resources = request.app.state.resources
        return resources.get(kind)

    return Depends(find)
