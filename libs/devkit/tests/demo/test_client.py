import json

import httpx2
import pytest

from stoa_devkit.demo.client import Gateway, Person, Refused
from stoa_devkit.demo.retries import Patience
from stoa_devkit.demo.tutor import ask
from stoa_devkit.trouble import Trouble

QUICK = Patience(seconds=5.0, first_wait=0.001, longest_wait=0.001)
SESSION = {"access_token": "new", "organization_id": "o1"}
ANSWER = (
    'event: delta\ndata: {"text": "Once."}\n\n'
    ": still here\n\n"
    "event: citation\n"
    'data: {"lesson_id": "l1", "lesson": "Keys", "revision": 1, "start": 0, "end": 5, "quote": "Once."}\n\n'
)
NO_COURSE = {"status": 404, "detail": "No course."}
DONE = 'event: done\ndata: {"generation_id": "g1", "found": true, "generated_by": "extractive", "model": "none"}\n\n'


class Platform:
    """Answers with the given replies, one a request, and keeps the requests."""

    def __init__(self, *replies: httpx2.Response | Exception) -> None:
        self.replies = list(replies)
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


def a_person(platform: Platform, patience: Patience = QUICK) -> Person:
    return Person(Gateway("http://stoa", patience, httpx2.MockTransport(platform)), "a@b.example", "secret")


def a_stream(text: str) -> httpx2.Response:
    return httpx2.Response(200, text=text, headers={"Content-Type": "text/event-stream"})


async def test_a_write_is_repeated_under_the_same_key_while_a_part_is_down() -> None:
    platform = Platform(httpx2.ConnectError("refused"), httpx2.Response(503), httpx2.Response(201, json={"id": "1"}))

    answer = await a_person(platform).post("/api/v1/content/courses/1/enrollments")

    assert answer == {"id": "1"}
    assert len(platform.requests) == 3
    assert len({request.headers["Idempotency-Key"] for request in platform.requests}) == 1


async def test_two_writes_have_two_keys() -> None:
    platform = Platform(httpx2.Response(204), httpx2.Response(204))
    person = a_person(platform)

    await person.post("/one")
    await person.post("/one")

    assert len({request.headers["Idempotency-Key"] for request in platform.requests}) == 2


async def test_a_refusal_is_told_in_its_own_words_and_not_repeated() -> None:
    problem = {"detail": "Some answers do not fit.", "errors": [{"field": "answers.0", "message": "No such choice."}]}
    platform = Platform(httpx2.Response(422, json=problem))

    with pytest.raises(
        Refused, match=r"Some answers do not fit\. \(422 to POST /attempts; answers\.0: No such choice\.\)"
    ):
        await a_person(platform).post("/attempts", {"answers": []})

    assert len(platform.requests) == 1


async def test_a_limit_that_ends_in_a_moment_is_waited_for() -> None:
    platform = Platform(httpx2.Response(429, headers={"Retry-After": "1"}), httpx2.Response(200, json={}))

    await a_person(platform).get("/courses")

    assert len(platform.requests) == 2


async def test_a_limit_that_lasts_is_told() -> None:
    spent = httpx2.Response(429, json={"detail": "Come back later."}, headers={"Retry-After": "600"})

    with pytest.raises(Refused, match="Come back later"):
        await a_person(Platform(spent)).get("/courses")


async def test_an_expired_token_is_renewed_once_and_the_write_keeps_its_key() -> None:
    platform = Platform(
        httpx2.Response(401), httpx2.Response(200, json=SESSION), httpx2.Response(201, json={"id": "1"})
    )

    await a_person(platform).post("/enrollments")

    first, _, second = platform.requests
    assert second.headers["Authorization"] == "Bearer new"
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]


async def test_patience_ends_with_a_sentence() -> None:
    platform = Platform(*[httpx2.Response(502)] * 50)

    with pytest.raises(Trouble, match=r"did not come back within 0 s"):
        await a_person(platform, Patience(seconds=0.01, first_wait=0.005)).get("/courses")


async def test_a_stream_is_heard_to_its_end() -> None:
    platform = Platform(a_stream(ANSWER + DONE))

    answer = await ask(a_person(platform), "c1", "How often?")

    assert (answer.text, answer.found, answer.generated_by) == ("Once.", True, "extractive")
    assert [citation.quote for citation in answer.citations] == ["Once."]


async def test_a_stream_that_breaks_off_is_asked_again_from_the_start() -> None:
    failed = 'event: error\ndata: {"status": 503, "detail": "Down."}\n\n'
    platform = Platform(a_stream(ANSWER), a_stream(ANSWER + failed), httpx2.Response(502), a_stream(ANSWER + DONE))

    answer = await ask(a_person(platform), "c1", "How often?")

    assert (answer.text, len(answer.citations)) == ("Once.", 1)


@pytest.mark.parametrize(
    "problem", [httpx2.Response(404, json=NO_COURSE), a_stream(f"event: error\ndata: {json.dumps(NO_COURSE)}\n\n")]
)
async def test_a_question_that_is_refused_is_not_asked_again(problem: httpx2.Response) -> None:
    platform = Platform(problem)

    with pytest.raises(Refused, match=r"No course\."):
        await ask(a_person(platform), "c1", "How often?")


async def test_an_expired_token_is_renewed_for_a_question_too() -> None:
    platform = Platform(httpx2.Response(401), httpx2.Response(200, json=SESSION), a_stream(ANSWER + DONE))

    answer = await ask(a_person(platform), "c1", "How often?")

    assert answer.found
    assert platform.requests[-1].headers["Authorization"] == "Bearer new"
