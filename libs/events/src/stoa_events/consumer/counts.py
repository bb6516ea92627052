"""What became of the records, counted since the start."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """Each record ends as exactly one of these."""

    HANDLED = "handled"
    #: The inbox had it.
    DUPLICATE = "duplicate"
    #: A known type without a handler here.
    SKIPPED = "skipped"
    #: A type that this version of stoa-events does not know.
    UNKNOWN = "unknown"
    #: Handed to `on_failure`, which accepted it.
    FAILED = "failed"


@dataclass(slots=True)
class Counts:
    """Numbers for a metrics page. `gaps` and `retries` are no outcomes: such a record is counted above too."""

    handled: int = 0
    duplicate: int = 0
    skipped: int = 0
    unknown: int = 0
    failed: int = 0
    retries: int = 0
    gaps: int = 0

    def count(self, outcome: Outcome) -> None:
        setattr(self, outcome.value, getattr(self, outcome.value) + 1)
