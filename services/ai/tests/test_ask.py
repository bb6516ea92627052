"""Asking about a course over HTTP: streams, whole answers, refusals, and what is recorded of them."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import aiohttp
import pytest
import pytest_asyncio
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from model_server import DROP, STALL, Upstream, an_upstream, chunk, tokens
from sqlalchemy import select

from stoa_ai.ask.models import Generation
from stoa_ai.ask.recordings import Recordings
from stoa_ai.passages.consumers import router as passage_events
from stoa_ai.passages.embedder import Embedder
from stoa_ai.providers.provider import Deadlines, OpenAIProvider
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.messaging.handling import Outcome
from stoa_common.resources import Resources
from stoa_common.security import TokenVerifier
from stoa_common.service import Service
from stoa_common.testing import Delivery, Identities
from stoa_common.testing.identities import ISSUER
from stoa_common.testing.serving import a_socket, served, url_of
from stoa_events.contracts import AnswerGenerated, UsageRecorded, UserErased

QUESTION = "When do tides run highest?"
DONE = "data: [DONE]\n\n"
Events = list[tuple[str, dict[str, Any]]]


def events_of(stream: str) -> Events:
    """A stream's events by name, their data read; comments left out."""
    found = []
    for block in stream.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


async def ask(client: AsyncClient, headers: dict[str, str], course_id: UUID, question: str = QUESTION) -> Any:
    body = {"course_id": str(course_id), "question": question}
    return await client.post("/api/v1/ai/ask", json=body, headers=headers)


@pytest.fixture
def headers_of(identities: Identities) -> Callable[..., dict[str, str]]:
    def make(course: Any, *roles: str, person_id: UUID | None = None) -> dict[str, str]:
        who = identities.principal(*roles, organization_id=course.organization_id, person_id=person_id)
        return identities.headers(who)

    return make


async def generation_of(database: Database, course: Any) -> Generation:
    async with database.transaction() as session:
        found = await session.scalars(select(Generation).where(Generation.course_id == course.course_id))
        return found.one()


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


# What follows asks a model.


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def upstream() -> AsyncIterator[Upstream]:
    async with an_upstream() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def model_app(
    upstream: Upstream, service: Service, embedder: Embedder, database: Database, identities: Identities
) -> AsyncIterator[FastAPI]:
    deadlines = Deadlines(stall_seconds=30, total_seconds=60)
    provider = OpenAIProvider(base_url=upstream.url, api_key="k", model="some-model", deadlines=deadlines)
    recordings = Recordings()
    resources = Resources([embedder, provider, recordings])
    yield service.build_app(resources, TokenVerifier(identities, issuer=ISSUER), database)
    await recordings.close()
    await provider.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def model_client(model_app: FastAPI) -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(app=model_app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://service") as client:
        yield client


async def test_a_models_answer_cites_the_passages_that_it_names(
    publish: Any, model_client: AsyncClient, headers_of: Any, upstream: Upstream, database: Database
) -> None:
    course = await publish()
    usage = chunk(finish="stop", usage=tokens(210, 7))
    upstream.says(chunk("At new moon "), chunk("[1]."), usage, DONE)

    answer = await ask(model_client, headers_of(course), course.course_id)

    events = events_of(answer.text)
    [citation] = [data for name, data in events if name == "citation"]
    assert "".join(data["text"] for name, data in events if name == "delta") == "At new moon [1]."
    assert course.text(citation["lesson_id"])[citation["start"] : citation["end"]] == citation["quote"]
    assert events[-1][1]["generated_by"] == "model"
    row = await generation_of(database, course)
    assert (row.model, row.input_tokens, row.output_tokens, row.usage_source) == ("some-model", 210, 7, "provider")
    assert str(row.prompt).startswith("ask@1#")


async def test_a_failure_in_mid_stream_is_the_streams_last_event(
    publish: Any, model_client: AsyncClient, headers_of: Any, upstream: Upstream, delivery: Delivery, database: Database
) -> None:
    course = await publish()
    upstream.says(chunk("At new "), chunk("moon "), DROP)

    answer = await ask(model_client, headers_of(course), course.course_id)

    events = events_of(answer.text)
    assert "".join(data["text"] for name, data in events if name == "delta") == "At new moon "
    assert [name for name, _ in events if name != "delta"] == ["error"]
    assert (events[-1][1]["type"], events[-1][1]["status"]) == ("urn:stoa:problem:provider-failed", 502)
    row = await generation_of(database, course)
    assert row.status == "failed"
    assert await delivery.recorded(AnswerGenerated, course_id=course.course_id) == []
    [used] = await delivery.recorded(UsageRecorded, generation_id=row.id)
    assert (used.usage_source, used.output_tokens > 0) == ("estimate", True)


async def test_a_model_without_room_is_a_problem_with_a_name(
    publish: Any, model_client: AsyncClient, headers_of: Any, upstream: Upstream, delivery: Delivery, database: Database
) -> None:
    course = await publish()
    upstream.says("{}", status="429 Too Many Requests")
    headers = headers_of(course)

    whole = await ask(model_client, {**headers, "Accept": "application/json"}, course.course_id)

    assert (whole.status_code, whole.json()["type"]) == (502, "urn:stoa:problem:provider-is-busy")
    row = await generation_of(database, course)
    assert await delivery.recorded(UsageRecorded, generation_id=row.id) == []


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address(model_app: FastAPI) -> AsyncIterator[str]:
    """The service on a real socket, where a client can hang up."""
    taken = a_socket()
    async with served(model_app, taken):
        yield url_of(taken)


@pytest.mark.parametrize("ahead", [[chunk("At new moon "), chunk("it is ")], []])
async def test_a_listener_that_leaves_is_recorded_and_the_model_stopped(
    publish: Any,
    headers_of: Any,
    upstream: Upstream,
    delivery: Delivery,
    database: Database,
    address: str,
    ahead: list[Any],
) -> None:
    course = await publish()
    upstream.says(*ahead, STALL)
    body = {"course_id": str(course.course_id), "question": QUESTION}

    async with aiohttp.ClientSession() as http:
        answer = await http.post(f"{address}/api/v1/ai/ask", json=body, headers=headers_of(course))
        while ahead and b"data" not in await answer.content.readline():
            pass
        while not upstream.requests:
            await asyncio.sleep(0.02)
        answer.close()

    await asyncio.wait_for(upstream.left.wait(), 15)
    row = await _eventually(database, course)
    assert row.status == "left"
    [generated] = await delivery.recorded(AnswerGenerated, course_id=course.course_id)
    assert (generated.found, generated.citation_count) == (False, 0)
    [used] = await delivery.recorded(UsageRecorded, generation_id=row.id)
    assert (used.usage_source, used.input_tokens > 200) == ("estimate", True)


async def _eventually(database: Database, course: Any) -> Generation:
    for _ in range(500):
        async with database.transaction() as session:
            mine = select(Generation).where(Generation.course_id == course.course_id)
            if row := await session.scalar(mine):
                return row
        await asyncio.sleep(0.03)
    raise AssertionError("The answer that was left was not recorded.")
