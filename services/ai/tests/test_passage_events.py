"""Published courses and lessons reach the index, once, and whole."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from stoa_ai.passages.consumers import router as passage_events
from stoa_ai.passages.embedder import Embedder
from stoa_ai.passages.models import Lesson, Passage, Posting
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.messaging.handling import Outcome
from stoa_common.resources import Resources
from stoa_common.testing import Delivery, Identities


@pytest.fixture
def index_of(client: Any, identities: Identities) -> Callable[[Any], Any]:
    async def read(course: Any) -> Any:
        headers = identities.headers(identities.principal(organization_id=course.organization_id))
        answer = await client.get(f"/api/v1/ai/courses/{course.course_id}", headers=headers)
        return answer.json() if answer.status_code == 200 else answer.status_code

    return read


async def rows(database: Database, course: Any) -> dict[str, list[Any]]:
    """Everything that the index holds of a course."""
    found: dict[str, list[Any]] = {}
    async with database.transaction() as session:
        for table in (Lesson, Passage, Posting):
            mine = select(table).where(table.course_id == course.course_id)
            found[table.__tablename__] = list(await session.scalars(mine))
    return found


async def test_a_published_course_is_known_and_ready_when_its_lessons_are_in(
    delivery: Delivery, course: Any, index_of: Any
) -> None:
    assert await index_of(course) == 404

    await delivery.deliver(passage_events, course.published())
    before = await index_of(course)
    await delivery.deliver(passage_events, course.lesson_published())

    assert before == {"course_id": str(course.course_id), "lessons": 0, "passages": 0, "ready": False}
    assert await index_of(course) == {"course_id": str(course.course_id), "lessons": 1, "passages": 2, "ready": True}


async def test_a_course_published_again_takes_its_new_title(delivery: Delivery, course: Any, index_of: Any) -> None:
    record = delivery.record_of(course.published())
    await delivery.deliver(passage_events, record)

    assert await delivery.deliver(passage_events, record) is Outcome.DUPLICATE
    assert await delivery.deliver(passage_events, course.published()) is Outcome.HANDLED
    assert (await index_of(course))["lessons"] == 0


async def test_a_lesson_becomes_passages_that_are_places_in_its_text(
    delivery: Delivery, course: Any, database: Database
) -> None:
    await delivery.deliver(passage_events, course.lesson_published())

    held = await rows(database, course)
    text = course.lesson_published().text
    passages = sorted(held["passages"], key=lambda passage: passage.start_offset)
    pieces = [text[passage.start_offset : passage.end_offset] for passage in passages]
    assert "\n\n".join(pieces) == text
    assert [piece.partition("\n")[0] for piece in pieces] == ["# Tides", "## Spring tides"]
    assert all(len(p.embedding) == 384 and p.model == Embedder.model for p in held["passages"])
    assert {p.word for p in held["postings"]} >= {"moon", "tide", "spring"}


async def test_a_second_delivery_changes_nothing(delivery: Delivery, course: Any, database: Database) -> None:
    record = delivery.record_of(course.lesson_published())
    await delivery.deliver(passage_events, record)
    before = [passage.id for passage in (await rows(database, course))["passages"]]

    outcome = await delivery.deliver(passage_events, record)

    assert outcome is Outcome.DUPLICATE
    assert [passage.id for passage in (await rows(database, course))["passages"]] == before


class Broken(Embedder):
    """An embedder whose model was refused."""

    async def embed(self, texts: Any) -> Any:
        raise RuntimeError("no model")


@pytest.mark.parametrize("kind", ["course", "lesson"])
async def test_a_failure_leaves_no_inbox_record(
    delivery: Delivery, course: Any, database: Database, tmp_path: Any, kind: str
) -> None:
    # A title that PostgreSQL refuses, and a model that is not there.
    event = course.published().model_copy(update={"title": "\x00"}) if kind == "course" else course.lesson_published()
    record = delivery.record_of(event)
    failing = Delivery(database, Resources([Broken(tmp_path)]))

    assert await failing.deliver(passage_events, record) is Outcome.PARKED

    assert not await failing.has_inbox_entry(passage_events, record)
    assert not any((await rows(database, course)).values())


async def test_a_new_revision_replaces_the_old_passages(delivery: Delivery, course: Any, database: Database) -> None:
    await delivery.deliver(passage_events, course.lesson_published())

    await delivery.deliver(passage_events, course.lesson_published(revision=2, text="Only this."))

    held = await rows(database, course)
    assert [(lesson.revision, lesson.text) for lesson in held["lessons"]] == [(2, "Only this.")]
    assert [(p.start_offset, p.end_offset) for p in held["passages"]] == [(0, 10)]
    assert {p.passage_id for p in held["postings"]} == {held["passages"][0].id}


async def test_an_older_revision_that_comes_late_is_left_out(
    delivery: Delivery, course: Any, database: Database
) -> None:
    await delivery.deliver(passage_events, course.lesson_published(revision=2, text="Only this."))

    await delivery.deliver(passage_events, course.lesson_published(revision=1))

    assert [lesson.revision for lesson in (await rows(database, course))["lessons"]] == [2]
    assert len((await rows(database, course))["passages"]) == 1


@pytest.mark.parametrize("text", ["", " \n", "---", "🌊", "a\x00b says something more", "日本語の文です。"])
async def test_odd_lessons_are_taken_too(delivery: Delivery, course: Any, index_of: Any, text: str) -> None:
    await delivery.deliver(passage_events, course.published())

    outcome = await delivery.deliver(passage_events, course.lesson_published(text=text))

    assert outcome is Outcome.HANDLED
    assert await index_of(course) == {
        "course_id": str(course.course_id),
        "lessons": 1,
        "passages": 1 if text.strip() else 0,
        "ready": True,
    }


async def test_another_organization_learns_nothing_of_a_course(
    publish: Any, client: Any, identities: Identities
) -> None:
    course = await publish()
    stranger = identities.headers(identities.principal("admin"))

    answer = await client.get(f"/api/v1/ai/courses/{course.course_id}", headers=stranger)

    nothing = await client.get(f"/api/v1/ai/courses/{new_id()}", headers=stranger)
    assert (answer.status_code, nothing.status_code) == (404, 404)
    assert answer.json()["type"] == nothing.json()["type"] == "urn:stoa:problem:course-is-not-known"
