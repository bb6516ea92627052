"""Asking about a course where a model answers: its citations, its failures, and who leaves before it has ended."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from asking import DONE, QUESTION, ask, events_of, generation_of
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from model_server import DROP, STALL, Upstream, chunk, tokens
from sqlalchemy import select

from stoa_ai.ask.models import Generation
from stoa_ai.ask.recordings import Recordings
from stoa_ai.passages.embedder import Embedder
from stoa_ai.providers.provider import Deadlines, OpenAIProvider
from stoa_common.database import Database
from stoa_common.resources import Resources
from stoa_common.security import TokenVerifier
from stoa_common.service import Service
from stoa_common.testing import Delivery, Identities
from stoa_common.testing.identities import ISSUER
from stoa_common.testing.serving import a_socket, served, url_of
from stoa_events.contracts import AnswerGenerated, UsageRecorded


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
