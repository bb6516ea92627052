"""What counts as a broken promise, so that a run that finds none has looked."""

import pytest

from .promises import MARGIN_SECONDS, NO_ANSWER, Answer, Ask, broken_promise

COURSES = Ask("courses", "content", "GET", "/api/v1/content/courses", seconds=5.0)


def an_answer(status: int, told: str = "", retry_after: str = "1", seconds: float = 0.1) -> Answer:
    return Answer(COURSES, 0.0, seconds, status, told, retry_after)


@pytest.mark.parametrize(
    "answer",
    [
        an_answer(200),
        an_answer(503, "service-is-down"),
        an_answer(503, "upstream-is-resting"),
        an_answer(502, "answer-is-broken", retry_after=""),
        an_answer(504, "service-timed-out", retry_after="", seconds=5.1),
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
        an_answer(200, seconds=5.0 + MARGIN_SECONDS + 0.1),
    ],
)
def test_anything_else_breaks_a_promise_even_then(answer: Answer) -> None:
    assert broken_promise(answer, "content") is not None


@pytest.mark.parametrize("target", ["auth", "kafka", "valkey", None])
def test_a_service_that_was_not_touched_may_refuse_nothing(target: str | None) -> None:
    assert broken_promise(an_answer(503, "service-is-down"), target) is not None


def test_every_service_is_touched_when_their_database_is_away() -> None:
    assert broken_promise(an_answer(503, "unavailable"), "postgres") is None
