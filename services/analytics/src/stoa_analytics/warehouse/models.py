"""The warehouse's tables, as the rows that go into them; `versions/` has their DDL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, get_args, get_type_hints
from uuid import UUID

import pyarrow as pa

NOBODY: Final = UUID(int=0)
"""Stands for "none" in the columns of a sorting key, which must not be null."""

_ARROW_TYPES: Final = {
    UUID: pa.binary(16),
    str: pa.string(),
    int: pa.uint64(),
    float: pa.float64(),
    bool: pa.bool_(),
    datetime: pa.timestamp("us", "UTC"),
}


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


@dataclass(frozen=True)
class Table:
    """A table that rows of one class go into; its columns are the class's fields."""

    name: str
    row: type[tuple[Any, ...]]

    def block(self, rows: Sequence[Sequence[Any]]) -> pa.Table:
        """The rows as one Arrow block, column by column."""
        columns = zip(*rows, strict=True)
        arrays = [_array(column, field.type) for column, field in zip(columns, self._schema(), strict=True)]
        return pa.Table.from_arrays(arrays, schema=self._schema())

    def _schema(self) -> pa.Schema:
        return pa.schema([(name, _arrow_type(hint)) for name, hint in get_type_hints(self.row).items()])


def _arrow_type(hint: Any) -> pa.DataType:
    plain = next((part for part in get_args(hint) if part is not type(None)), hint)
    return _ARROW_TYPES[plain]


def _array(column: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_fixed_size_binary(kind):
        return pa.array([value.bytes for value in column], kind)
    return pa.array(column, kind)


EVENTS: Final = Table("events", EventRow)
ITEM_RESPONSES: Final = Table("item_responses", ItemResponseRow)
ERASED_PEOPLE: Final = Table("erased_people", ErasedPersonRow)
ABOUT_PEOPLE: Final = (EVENTS, ITEM_RESPONSES)
"""Tables with a `person_id`; an erasure goes through each."""
TABLES: Final = tuple(table.name for table in (*ABOUT_PEOPLE, ERASED_PEOPLE))
