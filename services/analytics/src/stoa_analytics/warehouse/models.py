"""The warehouse's tables, as the rows that go into them; `versions/` has their DDL."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

NOBODY: Final = UUID(int=0)
"""Stands for "none" in the columns of a sorting key, which must not be null."""


class EventRow(NamedTuple):
    """One event as it was published; `props` is its data, personal fields still sealed."""

    organization_id: UUID
    topic: str
    type: str
    id: UUID
    subject: str
    sequence: int
    occurred_at: datetime
    received_at: datetime
    person_id: UUID
    course_id: UUID
    lesson_id: UUID
    quiz_id: UUID
    number: int | None
    score: float | None
    passed: bool | None
    progress: float | None
    correlation_id: str
    causation_id: str
    traceparent: str
    partition: int
    offset: int
    props: str


class ItemResponseRow(NamedTuple):
    """How one question of an attempt was graded."""

    organization_id: UUID
    course_id: UUID
    quiz_id: UUID
    question_id: UUID
    attempt_id: UUID
    person_id: UUID
    number: int
    title: str
    score: float
    correct: bool
    occurred_at: datetime
    received_at: datetime


class ErasedPersonRow(NamedTuple):
    """Somebody of whom no row may come back, by whatever redelivery or replay."""

    person_id: UUID
    erased_at: datetime


@dataclass(frozen=True, slots=True)
class Table:
    """A table that rows of one class go into; its columns are the class's fields."""

    name: str
    columns: tuple[str, ...]


EVENTS: Final = Table("events", EventRow._fields)
ITEM_RESPONSES: Final = Table("item_responses", ItemResponseRow._fields)
ERASED_PEOPLE: Final = Table("erased_people", ErasedPersonRow._fields)
ABOUT_PEOPLE: Final = (EVENTS, ITEM_RESPONSES)
"""Tables with a `person_id`; an erasure goes through each."""
TABLES: Final = tuple(table.name for table in (*ABOUT_PEOPLE, ERASED_PEOPLE))
