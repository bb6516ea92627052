"""Events become rows, each once, whatever comes twice."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from stoa_analytics.ingestion import service as ingestion
from stoa_analytics.ingestion.consumers import empty_warehouse
from stoa_analytics.warehouse.domain import Scope
from stoa_analytics.warehouse.models import NOBODY
from stoa_analytics.warehouse.service import Warehouse
from stoa_common import clock
from stoa_common.ids import new_id
from stoa_common.messaging import BadRecords, Batch, BatchRecord
from stoa_events.contracts import AnswerGenerated, MemberJoined, UsageRecorded, UserErased, UserRegistered
from stoa_events.personal import Personal, Sealed

from .conftest import Course, Intake, a_record


async def counts(warehouse: Warehouse, organization_id: UUID) -> tuple[int, int]:
    """Rows of events, and of question answers."""
    scope = Scope.of(organization_id)
    [(events,)] = await warehouse.select("SELECT count() FROM $events", scope, {})
    [(answers,)] = await warehouse.select("SELECT count() FROM $item_responses", scope, {})
    return events, answers


async def test_an_attempt_becomes_one_event_and_a_row_for_each_question(
    warehouse: Warehouse, intake: Intake, course: Course
) -> None:
    person = new_id()
    [record] = intake.records(course.graded(person, 1.0, 0.5, 0.0))

    await intake.hand_over([record])

    sql = """SELECT id, topic, type, subject, person_id, course_id, quiz_id, number, score, passed, occurred_at, offset
             FROM $events"""
    [row] = await warehouse.select(sql, Scope.of(course.organization_id), {})
    envelope = record.envelope
    assert row == (
        *(envelope.id, "content.attempt", envelope.type, envelope.subject),
        *(person, course.course_id, course.quiz_id, 1, 0.5, True, envelope.time, record.offset),
    )
    sql = "SELECT question_id, title, score, correct FROM $item_responses ORDER BY title"
    rows = await warehouse.select(sql, Scope.of(course.organization_id), {})
    assert rows == [
        (course.questions[0], "Question 1", 1.0, True),
        (course.questions[1], "Question 2", 0.5, False),
        (course.questions[2], "Question 3", 0.0, False),
    ]


async def test_the_same_batch_again_changes_nothing(warehouse: Warehouse, intake: Intake, course: Course) -> None:
    records = intake.records(*(course.graded(new_id(), 1.0, 0.0) for _ in range(5)))

    for _ in range(3):
        await intake.hand_over(records)

    assert await counts(warehouse, course.organization_id) == (5, 10)


async def test_a_replayed_event_changes_nothing_though_it_lies_elsewhere_in_kafka(
    warehouse: Warehouse, intake: Intake, course: Course
) -> None:
    records = intake.records(*(course.graded(new_id(), 1.0, 0.0) for _ in range(3)))
    await intake.hand_over(records)

    replayed = [replace(record, partition=2, offset=record.offset + 1000) for record in records]
    await ingestion.take_in(warehouse, Batch("analytics.events.replay", 2, 1000, 1002, replayed))

    assert await counts(warehouse, course.organization_id) == (3, 6)


async def test_an_emptied_warehouse_is_filled_anew_but_for_those_who_were_forgotten(
    warehouse: Warehouse, intake: Intake, course: Course
) -> None:
    forgotten = new_id()
    records = intake.records(course.graded(new_id(), 1.0, 0.0), course.graded(forgotten, 1.0, 0.0))
    await intake.hand_over(records)
    await intake.take(UserErased(person_id=forgotten, erased_at=clock.now()))

    await empty_warehouse(warehouse)
    assert await counts(warehouse, course.organization_id) == (0, 0)
    await ingestion.take_in(warehouse, Batch("analytics.events.replay", 0, 0, 1, records))

    assert await counts(warehouse, course.organization_id) == (1, 2)


async def test_a_redelivery_with_other_boundaries_changes_nothing(
    warehouse: Warehouse, intake: Intake, course: Course
) -> None:
    records = intake.records(*(course.graded(new_id(), 1.0, 0.0) for _ in range(10)))
    await intake.hand_over(records[:6])

    await intake.hand_over(records[2:9])
    await intake.hand_over(records)

    assert await counts(warehouse, course.organization_id) == (10, 20)


async def test_a_topic_made_anew_counts_its_offsets_from_zero_and_loses_nothing(
    warehouse: Warehouse, intake: Intake, course: Course
) -> None:
    before, after = ([a_record(course.graded(new_id(), 1.0), offset=7)] for _ in range(2))

    await intake.hand_over(before)
    await intake.hand_over(after)

    assert await counts(warehouse, course.organization_id) == (2, 2)


async def test_personal_fields_stay_sealed(warehouse: Warehouse, intake: Intake) -> None:
    sealed: Personal[str] = Personal(sealed=Sealed.of("key-1", b"0123456789abcdef"))
    person = new_id()
    await intake.take(UserRegistered(person_id=person, email=sealed, name=sealed, registered_at=clock.now()))

    sql = "SELECT props FROM $events WHERE person_id = {person:UUID}"
    [(props,)] = await warehouse.select(sql, Scope.platform(), {"person": person})

    assert '"enc":"A256GCM","kid":"key-1"' in props


async def test_an_event_that_only_a_newer_program_knows_is_kept_and_found_by_its_person(
    warehouse: Warehouse, intake: Intake, course: Course
) -> None:
    known = a_record(course.enrolled(person := new_id()), type="stoa.content.enrollment.paused.v1")

    await intake.hand_over([known])

    sql = "SELECT type, person_id FROM $events"
    rows = await warehouse.select(sql, Scope.of(course.organization_id), {})
    assert rows == [("stoa.content.enrollment.paused.v1", person)]


def broken(record: BatchRecord, **changed: Any) -> BatchRecord:
    fields = {name: getattr(record, name) for name in record.__slots__}
    return BatchRecord(**fields | changed)


@pytest.mark.parametrize(
    ("value", "envelope", "why"),
    [
        (b'{"attempt_id": "no id"}', {}, "attempt_id"),
        (b"not json", {}, "JSON"),
        (b"\xff\xfe", {}, "JSON"),
        (b"[1]", {}, "object"),
        (b"not json", {"type": "stoa.content.attempt.unheard-of.v1"}, "JSON"),
        (b'"\xff"', {"type": "stoa.content.attempt.unheard-of.v1"}, "JSON"),
        (None, {"sequence": -1}, "ce_sequence"),
        (None, {"time": clock.now().replace(year=1)}, "ce_time"),
        (None, {"time": clock.now().replace(tzinfo=None)}, "ce_time"),
    ],
)
async def test_a_record_that_nobody_can_read_is_named_and_nothing_is_written(
    warehouse: Warehouse, intake: Intake, course: Course, value: bytes | None, envelope: dict[str, Any], why: str
) -> None:
    event = course.graded(new_id(), 1.0)
    good, poison = a_record(event, offset=1), a_record(event, offset=2, **envelope)

    with pytest.raises(BadRecords) as refused:
        await intake.hand_over([good, broken(poison, value=poison.value if value is None else value)])

    assert list(refused.value.errors) == [2]
    assert why in refused.value.errors[2]
    assert await counts(warehouse, course.organization_id) == (0, 0)


async def test_an_erased_person_is_in_no_row_and_others_stay(
    warehouse: Warehouse, intake: Intake, course: Course
) -> None:
    gone, stays = new_id(), new_id()
    await intake.take(
        course.enrolled(gone), course.graded(gone, 1.0), course.enrolled(stays), course.graded(stays, 0.0)
    )

    await intake.take(UserErased(person_id=gone, erased_at=clock.now()))

    assert await rows_about(warehouse, gone) == 0
    assert await counts(warehouse, course.organization_id) == (2, 1)


async def test_what_comes_late_about_an_erased_person_does_not_bring_them_back(
    warehouse: Warehouse, intake: Intake, course: Course
) -> None:
    gone = new_id()
    early = intake.records(course.graded(gone, 1.0))
    joined = MemberJoined(
        organization_id=course.organization_id, person_id=gone, roles=["learner"], joined_at=clock.now()
    )
    await intake.hand_over(early)
    await intake.take(UserErased(person_id=gone, erased_at=clock.now()))

    await intake.hand_over(early)
    await intake.take(joined)

    assert await rows_about(warehouse, gone) == 0


async def test_an_answer_counts_for_its_course(warehouse: Warehouse, intake: Intake, course: Course) -> None:
    answered = AnswerGenerated(
        generation_id=new_id(),
        organization_id=course.organization_id,
        course_id=course.course_id,
        person_id=new_id(),
        generated_by="extractive",
        model="local",
        found=True,
        citation_count=1,
        duration_ms=5,
        generated_at=clock.now(),
    )

    await intake.take(answered)

    rows = await warehouse.select("SELECT topic, course_id FROM $events", Scope.of(course.organization_id), {})
    assert rows == [("ai.generation", course.course_id)]


async def test_a_call_that_was_made_for_nobody_is_kept(warehouse: Warehouse, intake: Intake, course: Course) -> None:
    used = UsageRecorded(
        usage_id=new_id(),
        organization_id=course.organization_id,
        feature="index",
        model="local",
        input_tokens=5,
        output_tokens=0,
        usage_source="local",
        recorded_at=clock.now(),
    )

    await intake.take(used)

    rows = await warehouse.select("SELECT topic, person_id FROM $events", Scope.of(course.organization_id), {})
    assert rows == [("ai.usage", NOBODY)]


async def rows_about(warehouse: Warehouse, person: UUID) -> int:
    total = 0
    for table in ("$events", "$item_responses"):
        sql = f"SELECT count() FROM {table} WHERE person_id = {{person:UUID}}"
        [(count,)] = await warehouse.select(sql, Scope.platform(), {"person": person})
        total += count
    return total
