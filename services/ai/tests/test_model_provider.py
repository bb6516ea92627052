"""The provider for OpenAI-compatible servers, against a server that streams, stalls, drops and lies."""

from typing import Any

import pytest
from listening import DONE, PASSAGES, last_use, pieces_of, text_of
from model_server import Upstream, chunk, tokens

from stoa_ai.passages.service import Retrieved
from stoa_ai.providers.domain import (
    NOT_FOUND,
    Cited,
    Finished,
    Question,
    Text,
    Used,
)
from stoa_ai.providers.provider import OpenAIProvider


async def test_an_answer_streams_with_its_citations(
    upstream: Upstream, provider: OpenAIProvider, question: Question
) -> None:
    upstream.says(chunk("The Moon "), chunk("pulls ["), chunk("1]. Twice [1, 7]."), chunk(finish="stop"), DONE)

    pieces = await pieces_of(provider, question)

    hit = question.retrieved.hits[0]
    assert text_of(pieces) == "The Moon pulls [1]. Twice [1]."
    assert [piece for piece in pieces if isinstance(piece, Cited)] == [Cited(1, hit, hit.start, hit.end)]
    assert pieces[-1] == Finished(found=True)
    assert len([piece for piece in pieces if isinstance(piece, Text)]) > 1


async def test_what_others_wrote_is_fenced_and_never_in_the_system_role(
    upstream: Upstream, provider: OpenAIProvider, question: Question
) -> None:
    upstream.says(chunk("NOT_FOUND", finish="stop"), DONE)

    await pieces_of(provider, question)
    await pieces_of(provider, question)

    first, second = (request["body"] for request in upstream.requests)
    system, user = (message["content"] for message in first["messages"])
    marker = user.splitlines()[1]
    assert [message["role"] for message in first["messages"]] == ["system", "user"]
    assert all(text not in system for text in [*PASSAGES, question.text])
    assert marker in system
    assert user.split(marker)[1].strip() == f"[1] Tides › Why\n{PASSAGES[0]}\n\n[2] Tides › Why\n{PASSAGES[1]}"
    assert user.split(marker)[3].strip() == question.text
    assert marker not in second["messages"][1]["content"]
    assert (first["stream"], first["model"]) == (True, "some-model")
    assert upstream.requests[0]["headers"]["authorization"] == "Bearer k-secret"


@pytest.mark.parametrize("cuts", [["NOT_FOUND"], ["NOT", "_FOUND\n"], [" ", "N", "OT_FOUND"]])
async def test_a_model_that_finds_nothing_says_it_in_our_words(
    upstream: Upstream, provider: OpenAIProvider, question: Question, cuts: list[str]
) -> None:
    upstream.says(*(chunk(cut) for cut in cuts), chunk(finish="stop"), DONE)

    pieces = await pieces_of(provider, question)

    assert text_of(pieces) == NOT_FOUND
    assert pieces[-1] == Finished(found=False)


async def test_a_word_that_begins_like_the_sentinel_is_an_answer(
    upstream: Upstream, provider: OpenAIProvider, question: Question
) -> None:
    upstream.says(chunk("NOT"), chunk(" always [1]."), chunk(finish="stop"), DONE)

    assert text_of(await pieces_of(provider, question)) == "NOT always [1]."


async def test_links_and_images_of_an_answer_are_removed(
    upstream: Upstream, provider: OpenAIProvider, question: Question
) -> None:
    upstream.says(chunk("See ![x](https://evil"), chunk(".example/?q=1) [2]"), chunk(".", finish="stop"), DONE)

    pieces = await pieces_of(provider, question)

    assert text_of(pieces) == "See [x] [2]."
    assert [piece.number for piece in pieces if isinstance(piece, Cited)] == [2]


async def test_an_answer_that_cites_nothing_is_still_the_models_answer(
    upstream: Upstream, provider: OpenAIProvider, question: Question
) -> None:
    upstream.says(chunk("The sea rises [9]."), chunk(finish="stop"), DONE)

    pieces = await pieces_of(provider, question)

    assert text_of(pieces) == "The sea rises ."
    assert pieces[-1] == Finished(found=True)
    assert not any(isinstance(piece, Cited) for piece in pieces)


async def test_without_passages_the_model_is_not_asked(upstream: Upstream, provider: OpenAIProvider) -> None:
    upstream.says()

    pieces = await pieces_of(provider, Question("Why?", Retrieved([], {})))

    assert pieces == [Text(NOT_FOUND), Finished(found=False)]
    assert upstream.requests == []


_USAGE_SHAPES: dict[str, tuple[list[Any], Used]] = {
    "in a final chunk": (
        [chunk("Yes [1]."), chunk(finish="stop"), chunk(usage=tokens(120, 5)) | {"choices": []}],
        Used(120, 5, "provider"),
    ),
    "in every chunk, cumulative": (
        [chunk("Yes", usage=tokens(120, 1)), chunk(" [1].", usage=tokens(120, 5)), chunk(finish="stop")],
        Used(120, 5, "provider"),
    ),
    "with the last word": (
        [chunk("Yes [1].", finish="stop", usage=tokens(120, 5))],
        Used(120, 5, "provider"),
    ),
}


@pytest.mark.parametrize("shape", _USAGE_SHAPES)
async def test_usage_is_read_in_each_shape(
    upstream: Upstream, provider: OpenAIProvider, question: Question, shape: str
) -> None:
    stream, expected = _USAGE_SHAPES[shape]
    upstream.says(*stream, DONE)

    assert last_use(await pieces_of(provider, question)) == expected


async def test_usage_is_estimated_where_the_server_tells_none(
    upstream: Upstream, provider: OpenAIProvider, question: Question
) -> None:
    upstream.says(chunk("Yes, it does [1]."), chunk(finish="stop"), DONE)

    used = last_use(await pieces_of(provider, question))

    assert used is not None
    assert used.source == "estimate"
    assert used.input_tokens > 200
    assert used.output_tokens == 9
