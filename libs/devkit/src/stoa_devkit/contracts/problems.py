"""What is wrong with a contract, and what to do instead."""

from dataclasses import dataclass
from enum import StrEnum


class Way(StrEnum):
    """How a problem was found."""

    CONTRACT = "contract"
    """The contract itself is not whole."""
    DIFF = "diff"
    """Today's schema and facts beside every released one."""
    INSTANCES = "instances"
    """Made-up events of one schema, validated by the other."""
    EXAMPLES = "examples"
    """Released examples, read by today's models."""
    FILES = "files"
    """What lies under docs/events."""


@dataclass(frozen=True, order=True)
class Problem:
    """One line for whoever changed a contract."""

    subject: str
    """The event's type, or a file."""
    way: Way
    what: str
    instead: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.what} {self.instead} [{self.way}]"


def next_major(type_: str) -> str:
    """`stoa.a.b.c.v1` -> `stoa.a.b.c.v2`."""
    name, _, major = type_.rpartition(".v")
    return f"{name}.v{int(major) + 1}"
