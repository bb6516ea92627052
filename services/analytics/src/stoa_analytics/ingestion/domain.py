"""What an event is in the warehouse: one row of `events`, and one of `item_responses` for each graded question."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError
from pydantic_core import from_json

from stoa_analytics.warehouse.models import NOBODY, EventRow, ItemResponseRow
from stoa_common.messaging import Batch, BatchRecord
from stoa_events.contract import Event
from stoa_events.contracts import REGISTRY, AttemptGraded
from stoa_events.envelope import Envelope

# Each month is a partition of the table, so nonsense in a clock must not make thousands of them.
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
LARGEST_NUMBER: Final = 2**32 - 1


class Unreadable(ValueError):
    """A record will never become a row; the message says what is wrong with it."""


class Facts(BaseModel):
    """What an event says that has a column of its own; the names are those of all contracts."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    person_id: UUID = NOBODY
    course_id: UUID = NOBODY
    lesson_id: UUID = NOBODY
    quiz_id: UUID = NOBODY
    number: Annotated[int, Field(ge=0, le=LARGEST_NUMBER)] | None = None
    score: FiniteFloat | None = None
    passed: bool | None = None
    progress: FiniteFloat | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A record that was understood; `event` is None where this program does not know its type."""

    record: BatchRecord
    event: Event | None
    facts: Facts


def read(record: BatchRecord) -> Reading:
    """Check a record against its contract; raises Unreadable.

    An event of a type that only a newer program knows is kept too, with the facts that it names as all contracts do,
    so that an erasure finds it.
    """
    _check_envelope(record.envelope)
    contract = REGISTRY.get(record.envelope.type)
    try:
        if contract is None:
            return Reading(record, None, _guess(record.value))
        event = contract.parse(record.value)
        return Reading(record, event, _facts(event))
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)
        raise Unreadable("; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in wrong)) from None


def token(batch: Batch) -> str:
    """The batch's name and a digest of its events: a topic that was made anew counts its offsets from 0 again."""
    ids = b"".join(record.envelope.id.bytes for record in batch.records)
    return f"{batch.token}-{hashlib.blake2b(ids, digest_size=8).hexdigest()}"


def event_row(reading: Reading, *, received_at: datetime) -> EventRow:
    """The event as it was published, its personal fields still sealed."""
    record, envelope, facts = reading.record, reading.record.envelope, reading.facts
    return EventRow(
        organization_id=envelope.orgid or NOBODY,
        topic=record.topic,
        type=envelope.type,
        id=envelope.id,
        subject=envelope.subject,
        sequence=envelope.sequence,
        occurred_at=envelope.time,
        received_at=received_at,
        person_id=facts.person_id,
        course_id=facts.course_id,
        lesson_id=facts.lesson_id,
        quiz_id=facts.quiz_id,
        number=facts.number,
        score=facts.score,
        passed=facts.passed,
        progress=facts.progress,
        correlation_id=envelope.correlationid or "",
        causation_id=envelope.causationid or "",
        traceparent=envelope.traceparent or "",
        partition=record.partition,
        offset=record.offset,
        props=record.value.decode(),
    )


def item_response_rows(reading: Reading, *, received_at: datetime) -> Iterator[ItemResponseRow]:
    """The questions of a graded attempt; nothing for any other event."""
    attempt = reading.event
    if not isinstance(attempt, AttemptGraded):
        return
    for question in attempt.questions:
        yield ItemResponseRow(
            organization_id=attempt.organization_id,
            course_id=attempt.course_id,
            quiz_id=attempt.quiz_id,
            question_id=question.question_id,
            attempt_id=attempt.attempt_id,
            person_id=attempt.person_id,
            number=attempt.number,
            title=question.title,
            score=question.score,
            correct=question.correct,
            occurred_at=reading.record.envelope.time,
            received_at=received_at,
        )


def _check_envelope(envelope: Envelope) -> None:
    if not 0 <= envelope.sequence < 2**63:
        raise Unreadable(f"ce_sequence {envelope.sequence} is no count.")
    if envelope.time.tzinfo is None:
        raise Unreadable("ce_time has no offset from UTC.")
    if not EARLIEST <= envelope.time < LATEST:
        raise Unreadable(f"ce_time {envelope.time.isoformat()} is not of this century.")


def _guess(data: bytes) -> Facts:
    try:
        named = from_json(data)
    except ValueError:
        raise Unreadable("The data are not JSON in UTF-8.") from None
    try:
        return Facts.model_validate(named)
    except ValidationError:
        return Facts()


def _facts(event: Event) -> Facts:
    # Checked by the contract already, but for what the column cannot hold.
    said = {name: getattr(event, name) for name in _named_by(type(event))}
    facts = Facts.model_construct(**{name: value for name, value in said.items() if value is not None})
    if facts.number is not None and facts.number > LARGEST_NUMBER:
        raise Unreadable(f"number {facts.number} is no count.")
    return facts


@cache
def _named_by(contract: type[Event]) -> tuple[str, ...]:
    return tuple(name for name in Facts.model_fields if name in contract.model_fields)
