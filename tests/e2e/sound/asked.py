"""How an operation is asked so that it answers a success."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from callers import Callers


@dataclass(frozen=True)
class Asked:
    """What is not said here is the caller's, or the document's."""

    #: Of the callers' names; else who may do the most.
    by: str | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    #: Beside the caller's credential, or in its place.
    headers: Mapping[str, str] = field(default_factory=dict)


#: Makes what the request uses up, or needs to be there, and says how to ask.
Recipe = Callable[[Callers], Asked]
Recipes = Mapping[str, Recipe]
