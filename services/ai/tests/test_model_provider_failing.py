"""The provider against a server that drops, stalls, refuses and lies; and a listener that leaves."""

import asyncio
from time import monotonic
from typing import Any

import pytest
from listening import DONE, last_use, text_of, until_failure
from model_server import DROP, STALL, Upstream, chunk

from stoa_ai.providers.domain import (
    AnswerWasCut,
    ProviderFailed,
    ProviderIsBusy,
    ProviderTimedOut,
    Question,
)
from stoa_ai.providers.provider import Deadlines, OpenAIProvider


async def test_a_connection_that_drops_fails_after_what_had_come(
    upstream: Upstream, provider: OpenAIProvider, question: Question
) -> None:
    upstream.says(chunk("The Moon "), chunk("pulls "), DROP)

    pieces, refusal = await until_failure(provider, question)

    assert type(refusal) is ProviderFailed
    assert text_of(pieces).strip() == "The Moon pulls"
    used = last_use(pieces)
    assert used is not None
    assert used.output_tokens > 0


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("429 Too Many Requests", ProviderIsBusy),
        ("500 Internal Server Error", ProviderFailed),
        ("401 Unauthorized", ProviderFailed),
        ("400 Bad Request", ProviderFailed),
    ],
)
async def test_a_server_that_refuses_is_asked_once_and_uses_nothing(
    upstream: Upstream, provider: OpenAIProvider, question: Question, status: str, expected: type[ProviderFailed]
) -> None:
    upstream.says('{"error": {"message": "internal detail"}}', status=status)

    pieces, refusal = await until_failure(provider, question)

    assert type(refusal) is expected
    assert refusal.status == 502
    assert "internal detail" not in refusal.detail
    assert pieces == []
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("before", [[], [chunk("The Moon ")]])
async def test_silence_ends_at_the_deadline(
    upstream: Upstream, impatient: OpenAIProvider, question: Question, before: list[Any]
) -> None:
    upstream.says(*before, STALL)
    began = monotonic()

    _, refusal = await until_failure(impatient, question)

    assert type(refusal) is ProviderTimedOut
    assert monotonic() - began < 15
    await asyncio.wait_for(upstream.left.wait(), 15)


async def test_a_stream_without_end_is_cut_at_the_total_deadline(
    upstream: Upstream, impatient: OpenAIProvider, question: Question
) -> None:
    upstream.says(*[chunk("on and ") for _ in range(10_000)], DONE)
    began = monotonic()

    _, refusal = await until_failure(impatient, question)

    assert type(refusal) is ProviderTimedOut
    assert monotonic() - began < 15


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        ([chunk("Half an ans", finish="length"), DONE], AnswerWasCut),
        ([chunk("Half an ans")], AnswerWasCut),
        ([chunk("Half"), chunk(finish="content_filter"), DONE], AnswerWasCut),
        ([chunk(finish="stop"), DONE], AnswerWasCut),
        ([chunk("  \n", finish="stop"), DONE], AnswerWasCut),
        ([{}, {"choices": None}, {"choices": [{}]}, DONE], AnswerWasCut),
        (["data: {not json\n\n"], ProviderFailed),
        ([{"error": {"message": "overloaded"}}], ProviderFailed),
        ([], AnswerWasCut),
    ],
)
async def test_what_is_no_whole_answer_is_a_failure(
    upstream: Upstream,
    provider: OpenAIProvider,
    question: Question,
    stream: list[Any],
    expected: type[ProviderFailed],
) -> None:
    upstream.says(*stream)

    pieces, refusal = await until_failure(provider, question)

    assert type(refusal) is expected
    assert last_use(pieces) is not None


async def test_a_server_that_is_not_there_is_a_failure(question: Question) -> None:
    nobody = OpenAIProvider(base_url="http://127.0.0.1:9/v1", api_key="k", model="m", deadlines=Deadlines(2, 2))

    pieces, refusal = await until_failure(nobody, question)

    assert type(refusal) is ProviderFailed
    assert pieces == []
    await nobody.close()


async def test_a_listener_that_leaves_ends_the_request(
    upstream: Upstream, provider: OpenAIProvider, question: Question
) -> None:
    upstream.says(chunk("The Moon pulls "), STALL)
    answer = provider.answer(question)
    await anext(answer)

    await answer.aclose()

    await asyncio.wait_for(upstream.left.wait(), 15)
