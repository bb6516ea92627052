"""What a subscriber does with one record, without a broker."""

import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from stoa_events.consumer import Failure, MemoryInbox, Outcome, Retry, Subscriber, SubscriptionFailed
from stoa_events.contracts import CourseCompleted, LearnerEnrolled
from stoa_events.envelope import Envelope
from stoa_events.testkit import a_record, an_event

QUICK = Retry(attempts=3, first_wait_seconds=0)
RECORD = a_record(an_event(LearnerEnrolled))


def a_subscriber(**settings: Any) -> Subscriber:
    return Subscriber("nowhere:1", group="tests", retry=QUICK, **settings)


class Course:
    """Handles by a bound method."""

    def __init__(self) -> None:
        self.seen: list[Envelope] = []

    async def note(self, event: LearnerEnrolled, envelope: Envelope) -> None:
        self.seen.append(envelope)

    async def __call__(self, event: LearnerEnrolled, envelope: Envelope) -> None:
        self.seen.append(envelope)


def _passing_on(handler: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    @functools.wraps(handler)
    def pass_on(*arguments: Any) -> Awaitable[None]:
        return handler(*arguments)

    return pass_on


@pytest.mark.parametrize(
    "of", [lambda c: c.note, lambda c: c, lambda c: functools.partial(c.note), lambda c: _passing_on(c.note)]
)
async def test_whatever_is_awaited_handles(of: Callable[[Course], Callable[..., Awaitable[None]]]) -> None:
    course, subscriber = Course(), a_subscriber()
    subscriber.on(LearnerEnrolled)(of(course))

    outcome = await subscriber.handle(RECORD)

    assert outcome is Outcome.HANDLED
    assert [envelope.headers() for envelope in course.seen] == [RECORD.headers]
    assert subscriber.counts.handled == 1


def _note(event: LearnerEnrolled, envelope: Envelope) -> None:
    """Not async."""


@pytest.mark.parametrize("handler", [_note, lambda _event, _envelope: None, functools.partial(_note)])
def test_a_handler_that_is_not_async_is_refused(handler: Any) -> None:
    subscriber = a_subscriber()

    with pytest.raises(TypeError, match=r"stoa.content.enrollment.created.v1 must be an `async def`"):
        subscriber.on(LearnerEnrolled)(handler)


async def test_a_repeat_and_another_type_are_told_apart() -> None:
    subscriber = a_subscriber(inbox=MemoryInbox())
    subscriber.on(LearnerEnrolled)(Course())

    outcomes = [await subscriber.handle(record) for record in (RECORD, RECORD, a_record(an_event(CourseCompleted)))]

    assert outcomes == [Outcome.HANDLED, Outcome.DUPLICATE, Outcome.SKIPPED]


async def _fail(event: LearnerEnrolled, envelope: Envelope) -> None:
    raise KeyError("a bug")


async def test_the_error_that_stops_a_subscriber_has_the_handlers_own_as_its_cause() -> None:
    subscriber = a_subscriber()
    subscriber.on(LearnerEnrolled)(_fail)

    with pytest.raises(SubscriptionFailed) as stopped:
        await subscriber.handle(RECORD)

    assert isinstance(stopped.value.__cause__, KeyError)


async def test_a_failure_policy_gets_what_failed() -> None:
    failures: list[Failure] = []

    async def put_aside(failure: Failure) -> None:
        failures.append(failure)

    subscriber = a_subscriber(on_failure=put_aside)
    subscriber.on(LearnerEnrolled)(_fail)

    outcome = await subscriber.handle(RECORD)

    assert outcome is Outcome.FAILED
    assert [(failure.record.value, failure.attempts) for failure in failures] == [(RECORD.value, 3)]


@pytest.mark.parametrize(("level", "is_told"), [(logging.INFO, False), (logging.DEBUG, True)])
async def test_a_failed_trys_traceback_is_logged_on_demand(
    caplog: pytest.LogCaptureFixture, level: int, is_told: bool
) -> None:
    subscriber = a_subscriber()
    subscriber.on(LearnerEnrolled)(_fail)

    with caplog.at_level(level, logger="stoa_events.consumer"), pytest.raises(SubscriptionFailed):
        await subscriber.handle(RECORD)

    assert "try 1: KeyError" in caplog.text
    assert ("a bug" in caplog.text) is is_told
