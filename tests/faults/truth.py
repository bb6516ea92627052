"""What is true after a run, read from outside: the ledger, `event_log`, Kafka from its beginning, the reader."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from .ledger import Intent

GROUP, COPY_GROUP = "reader.counts", "reader.copy"
GRADED = "stoa.content.attempt.graded.v1"
COMPLETED = "stoa.content.enrollment.lesson-completed.v1"
ENROLLED = "stoa.content.enrollment.created.v1"
KNOWN_TYPES = frozenset({GRADED, COMPLETED, ENROLLED})
SINGLE_TOPIC = "content.attempt"

Place = tuple[str, int, int]
"""Topic, partition, offset."""
Unit = UUID | Place
"""What a group must account for: an event by its id, or a record that has none by its place."""
Key = tuple[str, str]
"""Topic and key."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A row of `event_log`."""

    event_id: UUID
    key: Key
    type: str
    sequence: int
    command_id: UUID
    points: int
    digest: str


@dataclass(frozen=True, slots=True)
class Streamed:
    """A record on Kafka. `fault` names who put it there when it was not the relay."""

    place: Place
    key: Key
    event_id: UUID | None = None
    type: str = ""
    sequence: int = 0
    command_id: UUID | None = None
    fault: str | None = None

    @property
    def unit(self) -> Unit:
        return self.event_id or self.place

    @property
    def is_skipped(self) -> bool:
        """Well formed, and of a type that nobody here reads."""
        return self.event_id is not None and self.type not in KNOWN_TYPES


@dataclass(frozen=True, slots=True)
class Parked:
    """A record that the reader set aside."""

    place: Place
    event_id: UUID | None
    state: str

    @property
    def unit(self) -> Unit:
        return self.event_id or self.place


@dataclass(frozen=True, slots=True)
class Effect:
    """What one event did at the reader, how often, in the order in which events did it."""

    event_id: UUID
    key: Key
    sequence: int
    times: int


@dataclass(frozen=True, slots=True)
class Total:
    """A fold of one key's events."""

    events: int
    points: int
    last_sequence: int


@dataclass
class Truth:
    """Everything that the equalities compare."""

    intents: dict[UUID, Intent] = field(default_factory=dict)
    log: dict[UUID, Logged] = field(default_factory=dict)
    stream: list[Streamed] = field(default_factory=list)
    inbox: set[UUID] = field(default_factory=set)
    parked: list[Parked] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    totals: dict[Key, Total] = field(default_factory=dict)
    copies: dict[Place, tuple[UUID, str]] = field(default_factory=dict)
    bad: set[Place] = field(default_factory=set)

    @property
    def relayed(self) -> Iterator[Streamed]:
        """What the relay put on Kafka, without what faults put beside it."""
        return (record for record in self.stream if record.fault is None)

    @property
    def parked_ids(self) -> set[UUID]:
        return {row.event_id for row in self.parked if row.event_id is not None}


def fold(events: Sequence[Logged]) -> dict[Key, Total]:
    """What a reader that saw each of these once, in order, holds."""
    totals: dict[Key, Total] = {}
    for event in events:
        before = totals.get(event.key, Total(0, 0, 0))
        last = max(before.last_sequence, event.sequence)
        totals[event.key] = Total(before.events + 1, before.points + event.points, last)
    return totals


def points_of(kind: str, data: dict[str, Any]) -> int:
    """What the reader's handlers add up."""
    share = {COMPLETED: "progress", GRADED: "score"}.get(kind)
    return round(data[share] * 100) if share else 0
