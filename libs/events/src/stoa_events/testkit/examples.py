"""The contracts' examples, changed as a test needs them."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from stoa_events.contracts import REGISTRY, Event
from stoa_events.structured import describe

E = TypeVar("E", bound=Event)


class NoSuchExample(ValueError):
    """There is no such type or field, or a value does not fit; the message says what there is."""


def find(type_: str) -> type[Event]:
    """The contract of a type; raises NoSuchExample."""
    if type_ not in REGISTRY:
        noun = ".".join(type_.split(".")[:3])
        near = [known for known in sorted(REGISTRY) if known.startswith(noun)] or sorted(REGISTRY)
        raise NoSuchExample(f"There is no event {type_}. There are: {', '.join(near)}.")
    return REGISTRY[type_]


def an_event(contract: type[E], /, **changes: Any) -> E:
    """The contract's example with these fields changed; personal fields are sealed, as they arrive.

    The same each time, ids included. Raises NoSuchExample for a field that it has not, or a value that does not fit.
    """
    return _changed(contract, changes)


def _changed(contract: type[E], changes: Mapping[str, Any]) -> E:
    strange = sorted(set(changes) - set(contract.model_fields))
    if strange:
        fields = ", ".join(contract.model_fields)
        raise NoSuchExample(f"{contract.type} has no field {', '.join(strange)}. It has: {fields}.")
    try:
        return contract.model_validate({**contract.example, **changes})
    except ValidationError as error:
        raise NoSuchExample(describe(contract.type, error)) from None
