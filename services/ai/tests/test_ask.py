"""Asking about a course over HTTP: streams, whole answers, refusals, and what is recorded of them."""

from typing import Any

import pytest
from asking import QUESTION, ask, events_of, generation_of
from httpx2 import AsyncClient
from sqlalchemy import select

from stoa_ai.ask.models import Generation
from stoa_ai.passages.consumers import router as passage_events
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.messaging.handling import Outcome
from stoa_common.service import Service
from stoa_common.testing import Delivery, Identities
from stoa_events.contracts import AnswerGenerated, UsageRecorded, UserErased


async def test_an_answer_streams_as_deltas_citations_and_a_last_word(
    publish: Any, client: AsyncClient, headers_of: Any
) -> None:
    course = await publish()

    answer = await ask(client, headers_of(course), course.course_id)

    assert answer.headers["content-type"].startswith("text/event-stream")
    events = events_of(answer.text)
    names = [name for name, _ in events]
    assert names[:2] == ["delta", "citation"]
    assert names[-1] == "done"
    citation = events[1][1]
    assert course.text(citation["lesson_id"])[citation["start"] : citation["end"]] == citation["quote"]
    assert citation["quote"] == events[0][1]["text"] == "When Sun and Moon pull along one line, tides run highest."
    assert (citation["number"], citation["lesson"], citation["revision"]) == (1, "Tides", 1)
    assert {key: events[-1][1][key] for key in ("found", "generated_by", "model")} == {
        "found": True,
        "generated_by": "extractive",
        "model": "extractive-1",
    }


async def test_who_accepts_json_alone_gets_one_object(publish: Any, learner_of: Any) -> None:
    course = await publish()

    answer = await learner_of(course).ask(course.course_id, QUESTION)

    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"generation_id", "found", "generated_by", "model", "text", "citations"}
    assert answer.json()["text"].startswith("When Sun and Moon")


async def test_what_the_course_does_not_say_is_not_found(publish: Any, learner_of: Any) -> None:
    course = await publish()

    answer = (await learner_of(course).ask(course.course_id, "Who wrote Hamlet?")).json()

    assert (answer["text"], answer["found"], answer["citations"]) == ("not found in this course", False, [])


async def test_a_course_whose_lessons_are_not_in_yet_answers_not_found(
    delivery: Delivery, course: Any, learner_of: Any
) -> None:
    await delivery.deliver(passage_events, course.published())

    answer = (await learner_of(course).ask(course.course_id, QUESTION)).json()

    assert (answer["found"], answer["text"]) == (False, "not found in this course")


async def test_an_answer_and_its_use_are_recorded_without_the_question(
    publish: Any, client: AsyncClient, headers_of: Any, delivery: Delivery, database: Database
) -> None:
    course, person = await publish(), new_id()

    answer = await ask(client, headers_of(course, person_id=person), course.course_id)

    done = events_of(answer.text)[-1][1]
    [generated] = await delivery.recorded(AnswerGenerated, course_id=course.course_id)
    [used] = await delivery.recorded(UsageRecorded, generation_id=generated.generation_id)
    assert str(generated.generation_id) == done["generation_id"]
    assert (generated.person_id, generated.organization_id) == (person, course.organization_id)
    assert (generated.found, generated.generated_by, generated.citation_count) == (True, "extractive", 1)
    assert (used.usage_source, used.feature, used.person_id) == ("local", "ask", person)
    assert used.input_tokens > used.output_tokens > 0
    assert (await generation_of(database, course)).status == "answered"
    assert QUESTION not in generated.model_dump_json() + used.model_dump_json()


async def test_a_strangers_course_is_as_unknown_as_one_that_is_not_there(
    publish: Any, client: AsyncClient, identities: Identities
) -> None:
    course = await publish()
    stranger = identities.headers(identities.principal("admin"))

    answers = [await ask(client, stranger, course_id) for course_id in (course.course_id, new_id())]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert {answer.json()["type"] for answer in answers} == {"urn:stoa:problem:course-is-not-known"}


async def test_without_permission_nothing_is_answered(
    publish: Any, client: AsyncClient, identities: Identities
) -> None:
    course = await publish()

    operator = await ask(client, identities.headers(identities.principal("operator")), course.course_id)
    nobody = await ask(client, {}, course.course_id)

    assert (operator.status_code, nobody.status_code) == (403, 401)


@pytest.mark.parametrize("question", ["", "   ", "x" * 2001, None, 7])
async def test_a_question_that_is_none_is_refused(
    publish: Any, client: AsyncClient, headers_of: Any, question: Any
) -> None:
    course = await publish()

    answer = await ask(client, headers_of(course), course.course_id, question)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "question"


@pytest.mark.parametrize(
    "question", ["\x00", "?", "🌊🌊", "ask\x00 about tides", "'; DROP TABLE lessons; --", "a" * 2000]
)
async def test_an_odd_question_gets_an_answer_too(publish: Any, learner_of: Any, question: str) -> None:
    course = await publish()

    answer = await learner_of(course).ask(course.course_id, question)

    assert answer.status_code == 200, answer.text


async def test_who_is_erased_leaves_no_generation(
    publish: Any, client: AsyncClient, headers_of: Any, delivery: Delivery, database: Database, service: Service
) -> None:
    course, person = await publish(), new_id()
    await ask(client, headers_of(course, person_id=person), course.course_id)
    [privacy] = [router for router in service.event_routers if router.group == "ai.privacy"]
    record = delivery.record_of(
        UserErased(person_id=person, erased_at=(await generation_of(database, course)).generated_at)
    )

    assert await delivery.deliver(privacy, record) is Outcome.HANDLED
    assert await delivery.deliver(privacy, record) is Outcome.DUPLICATE

    async with database.transaction() as session:
        mine = select(Generation).where(Generation.person_id == person)
        assert list(await session.scalars(mine)) == []
