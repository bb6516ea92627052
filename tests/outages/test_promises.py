"""What counts as a broken promise, so that a run that finds none has looked."""

from dataclasses import replace

import pytest

from .promises import CUT, HALF, MARGIN_SECONDS, NO_ANSWER, STILL_COUNTS, Answer, Ask, broken_promise

COURSES = Ask("courses", "content", "GET", "/api/v1/content/courses", seconds=5.0)
QUESTION = Ask(
    "ask", "ai", "POST", "/api/v1/ai/ask", seconds=5.0, also=frozenset({"models"}), last_events=("event: done",)
)
ENDED = replace(COURSES, also=frozenset({"auth"}), wants=401)


def an_answer(status: int, told: str = "", retry_after: str = "1", seconds: float = 0.1, ask: Ask = COURSES) -> Answer:
    return Answer(ask, 0.0, seconds, status, told, retry_after)


@pytest.mark.parametrize(
    "answer",
    [
        an_answer(200),
        an_answer(503, "service-is-down"),
        an_answer(503, "upstream-is-resting"),
        an_answer(502, "answer-is-broken", retry_after=""),
        an_answer(504, "service-timed-out", retry_after="", seconds=5.1),
        an_answer(401, "api-key-is-not-valid", ask=ENDED),
    ],
)
def test_what_is_promised_while_a_service_is_away_is_no_fault(answer: Answer) -> None:
    assert broken_promise(answer, "content") is None


@pytest.mark.parametrize(
    "answer",
    [
        an_answer(500, "internal-error"),
        an_answer(503, "service-is-down", retry_after=""),
        an_answer(503, ""),
        an_answer(404, "course-does-not-exist"),
        an_answer(NO_ANSWER, "ReadError"),
        an_answer(200, CUT),
        an_answer(200, seconds=5.0 + MARGIN_SECONDS + 0.1),
        an_answer(200, STILL_COUNTS, ask=ENDED),
    ],
)
def test_anything_else_breaks_a_promise_even_then(answer: Answer) -> None:
    assert broken_promise(answer, "content") is not None


@pytest.mark.parametrize("target", ["auth", "kafka", "valkey", "models", None])
def test_a_service_that_was_not_touched_may_refuse_nothing(target: str | None) -> None:
    assert broken_promise(an_answer(503, "service-is-down"), target) is not None


def test_every_service_is_touched_when_their_database_is_away() -> None:
    assert broken_promise(an_answer(503, "unavailable"), "postgres") is None


@pytest.mark.parametrize("target", ["ai", "models"])
def test_a_stream_may_be_cut_or_end_by_an_error_and_never_look_whole(target: str) -> None:
    outcomes = [an_answer(200, told, ask=QUESTION) for told in (CUT, "provider-failed", HALF)]

    assert [broken_promise(answer, target) is None for answer in outcomes] == [True, True, False]


@pytest.mark.parametrize(("ended", "is_kept"), [(99.5, True), (100.2, True), (98.0, False), (110.0, False)])
def test_only_what_was_ended_as_auth_went_away_may_count_for_longer(ended: float, is_kept: bool) -> None:
    answer = replace(an_answer(200, STILL_COUNTS, ask=ENDED), credential_ended=ended)

    assert (broken_promise(answer, "auth", since=100.0) is None) is is_kept
