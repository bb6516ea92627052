"""What becomes of each record, over the real broker."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from stoa_events.consumer import Failure, HandlerTooSlow, MemoryInbox, Retry, Subscriber, SubscriptionFailed, stop
from stoa_events.consumer.failures import HandlerCancelled
from stoa_events.contracts import REGISTRY, CourseCompleted, LearnerEnrolled, UserRegistered
from stoa_events.envelope import Envelope
from stoa_events.testkit import a_record, an_envelope, an_event, new_id, publish

from .conftest import send_raw, until

Run = Callable[[Subscriber], "asyncio.Task[None]"]
Handler = Callable[[LearnerEnrolled, Envelope], Awaitable[None]]
QUICK = Retry(attempts=2, first_wait_seconds=0.01)
GOOD = an_event(LearnerEnrolled)


def _enrollments(count: int) -> list[LearnerEnrolled]:
    return [an_event(LearnerEnrolled, enrollment_id=new_id()) for _ in range(count)]


def _raw(event: LearnerEnrolled = GOOD, **changes: Any) -> dict[str, Any]:
    record = a_record(event)
    return {"key": record.key, "headers": record.headers, "value": record.value, **changes}


class Reader:
    """A subscriber that keeps what it handled, and what failed; `first` is what its handler does first."""

    def __init__(self, kafka: str, prefix: str, *, first: Handler | None = None, **settings: Any) -> None:
        self.first = first
        self.handled: list[LearnerEnrolled] = []
        self.envelopes: list[Envelope] = []
        self.failures: list[Failure] = []
        options = {"retry": QUICK, "on_failure": self.put_aside, **settings}
        self.subscriber = Subscriber(kafka, group="tests.reader", topic_prefix=prefix, **options)
        self.subscriber.on(LearnerEnrolled)(self.handle)

    async def handle(self, event: LearnerEnrolled, envelope: Envelope) -> None:
        if self.first is not None:
            await self.first(event, envelope)
        self.handled.append(event)
        self.envelopes.append(envelope)

    async def put_aside(self, failure: Failure) -> None:
        self.failures.append(failure)


async def test_a_handler_gets_typed_events_in_their_keys_order(kafka: str, prefix: str, running: Run) -> None:
    reader = Reader(kafka, prefix)
    several = [event for event in _enrollments(3) for _ in range(4)]
    sent = await publish(kafka, *several, topic_prefix=prefix)

    task = running(reader.subscriber)
    await until(lambda: len(reader.handled) == len(several), task=task)

    for subject in {envelope.subject for envelope in sent}:
        assert [e for e in reader.envelopes if e.subject == subject] == [e for e in sent if e.subject == subject]
    assert reader.subscriber.counts.handled == len(several)
    assert reader.subscriber.counts.gaps == 0
    assert reader.subscriber.is_alive
    assert reader.subscriber.is_ready


async def test_a_personal_field_arrives_sealed_and_reads_as_none(kafka: str, prefix: str, running: Run) -> None:
    subscriber = Subscriber(kafka, group="tests.people", topic_prefix=prefix)
    people: list[UserRegistered] = []

    @subscriber.on(UserRegistered)
    async def keep(event: UserRegistered, envelope: Envelope) -> None:
        people.append(event)

    await publish(kafka, an_event(UserRegistered), topic_prefix=prefix)
    task = running(subscriber)
    await until(lambda: people, task=task)

    assert people[0].email.plain is None
    assert people[0].email.sealed is not None


BAD = {
    "a null header": _raw(headers=[*a_record(GOOD).headers, ("x", None)]),
    "a header that is no UTF-8": _raw(headers=[*a_record(GOOD).headers, ("x", b"\xff")]),
    "no headers": _raw(headers=[]),
    "bad JSON": _raw(value=b"{"),
    "JSON that is no UTF-8": _raw(value=b'{"a": "\xff"}'),
    "a null value": _raw(value=None),
    "data of another shape": _raw(value=b'{"course_id": 1}'),
    "JSON nested too deeply": _raw(value=b"[" * 100_000),
}


async def test_what_cannot_be_read_is_handed_over_whole_and_the_rest_goes_on(
    kafka: str, prefix: str, running: Run
) -> None:
    reader = Reader(kafka, prefix)
    await send_raw(kafka, f"{prefix}content.enrollment", *BAD.values(), _raw())

    task = running(reader.subscriber)
    await until(lambda: reader.handled, task=task)

    assert [dict(f.record.headers) for f in reader.failures] == [dict(bad["headers"]) for bad in BAD.values()]
    assert [f.record.value for f in reader.failures] == [bad["value"] for bad in BAD.values()]
    assert reader.handled == [GOOD]
    assert reader.subscriber.counts.failed == len(BAD)


async def test_types_without_a_handler_are_skipped_and_counted(kafka: str, prefix: str, running: Run) -> None:
    reader = Reader(kafka, prefix)
    newer = an_envelope(GOOD, type="stoa.content.enrollment.paused.v1", sequence=2)
    completed = a_record(an_event(CourseCompleted), an_envelope(an_event(CourseCompleted), sequence=3))
    await send_raw(
        kafka,
        f"{prefix}content.enrollment",
        _raw(headers=newer.headers(), value=b"whatever"),
        {"key": completed.key, "headers": completed.headers, "value": completed.value},
        _raw(),
    )

    task = running(reader.subscriber)
    await until(lambda: reader.handled, task=task)

    counts = reader.subscriber.counts
    assert (counts.unknown, counts.skipped, counts.handled, counts.failed) == (1, 1, 1, 0)


async def test_by_default_a_failure_stops_the_subscriber_and_comes_again(kafka: str, prefix: str, running: Run) -> None:
    reader = Reader(kafka, prefix, on_failure=stop)
    await send_raw(kafka, f"{prefix}content.enrollment", _raw(), _raw(value=b"{"), _raw())

    with pytest.raises(SubscriptionFailed, match=r"content.enrollment partition 0 offset 1 .*Nothing was passed over"):
        await asyncio.wait_for(reader.subscriber.run(), 60)
    again = Reader(kafka, prefix)
    task = running(again.subscriber)
    await until(lambda: again.handled, task=task)

    assert reader.handled == [GOOD]
    assert [failure.record.offset for failure in again.failures] == [1]
    assert len(again.handled) == 1
    assert not reader.subscriber.is_alive


async def test_a_transient_error_is_retried_until_it_passes(kafka: str, prefix: str, running: Run) -> None:
    left = [ConnectionError("database is away")] * 7

    async def ask_database(event: LearnerEnrolled, envelope: Envelope) -> None:
        if left:
            raise left.pop()

    reader = Reader(kafka, prefix, first=ask_database)
    await publish(kafka, GOOD, topic_prefix=prefix)
    task = running(reader.subscriber)
    await until(lambda: reader.handled, task=task)

    assert reader.failures == []
    assert reader.subscriber.counts.retries == 7


async def _raise(event: LearnerEnrolled, envelope: Envelope) -> None:
    raise KeyError("a bug")


async def _let_a_cancellation_out(event: LearnerEnrolled, envelope: Envelope) -> None:
    raise asyncio.CancelledError


async def _take_too_long(event: LearnerEnrolled, envelope: Envelope) -> None:
    await asyncio.sleep(3600)


@pytest.mark.parametrize(
    ("handler", "error"),
    [(_raise, KeyError), (_let_a_cancellation_out, HandlerCancelled), (_take_too_long, HandlerTooSlow)],
)
async def test_a_handler_that_keeps_failing_holds_up_nobody(
    kafka: str, prefix: str, running: Run, handler: Handler, error: type[Exception]
) -> None:
    poison = new_id()

    async def stumble(event: LearnerEnrolled, envelope: Envelope) -> None:
        if event.enrollment_id == poison:
            await handler(event, envelope)

    reader = Reader(kafka, prefix, first=stumble, retry=replace(QUICK, handler_seconds=0.5))
    await send_raw(kafka, f"{prefix}content.enrollment", _raw(an_event(LearnerEnrolled, enrollment_id=poison)), _raw())
    task = running(reader.subscriber)
    await until(lambda: reader.handled, task=task)

    assert [(type(f.error), f.attempts) for f in reader.failures] == [(error, 2)]
    assert reader.handled == [GOOD]


async def test_a_dead_letter_function_that_fails_stops_the_subscriber(kafka: str, prefix: str) -> None:
    async def put_aside(failure: Failure) -> None:
        raise OSError("the disk is full")

    reader = Reader(kafka, prefix, on_failure=put_aside)
    await send_raw(kafka, f"{prefix}content.enrollment", _raw(value=b"{"))

    with pytest.raises(OSError, match="disk is full"):
        await asyncio.wait_for(reader.subscriber.run(), 60)


async def test_an_inbox_spares_the_handler_repeats(kafka: str, prefix: str, running: Run) -> None:
    reader = Reader(kafka, prefix, inbox=MemoryInbox())
    twice, once = an_envelope(GOOD), an_envelope(GOOD, sequence=2)
    await send_raw(kafka, f"{prefix}content.enrollment", *(_raw(headers=e.headers()) for e in (twice, twice, once)))

    task = running(reader.subscriber)
    await until(lambda: len(reader.handled) == 2, task=task)

    assert [envelope.id for envelope in reader.envelopes] == [twice.id, once.id]
    assert reader.subscriber.counts.duplicate == 1


async def test_a_gap_is_counted_and_logged(
    kafka: str, prefix: str, running: Run, caplog: pytest.LogCaptureFixture
) -> None:
    reader = Reader(kafka, prefix)
    envelopes = [an_envelope(GOOD, sequence=sequence) for sequence in (4, 6)]
    await send_raw(kafka, f"{prefix}content.enrollment", *(_raw(headers=e.headers()) for e in envelopes))

    task = running(reader.subscriber)
    await until(lambda: len(reader.handled) == 2, task=task)

    assert reader.subscriber.counts.gaps == 1
    assert "before sequence 6 are missing" in caplog.text


async def test_a_topic_that_is_not_there_is_named(kafka: str, running: Run, caplog: pytest.LogCaptureFixture) -> None:
    reader = Reader(kafka, "no-such-platform.")

    with caplog.at_level(logging.WARNING):
        task = running(reader.subscriber)
        await until(lambda: caplog.text, task=task)

    assert "no-such-platform.content.enrollment. Is topic_prefix right?" in caplog.text


@pytest.mark.parametrize("setting", ["auto_offset_reset", "enable_auto_commit", "session_timeout_ms", "group_id"])
def test_settings_that_keep_events_safe_cannot_be_changed(setting: str) -> None:
    with pytest.raises(TypeError, match=f"{setting} can't be set"):
        Subscriber("localhost:9092", group="tests", **{setting: 1})


def test_an_event_has_one_handler() -> None:
    reader = Reader("localhost:9092", "")

    with pytest.raises(TypeError, match="has a handler already"):
        reader.subscriber.on(LearnerEnrolled)


def test_an_event_of_many_topics_is_refused() -> None:
    with pytest.raises(TypeError, match="no topic of its own"):
        Subscriber("localhost:9092", group="tests").on(REGISTRY["stoa.auth.dead-letter.announced.v1"])


async def test_a_subscriber_without_handlers_says_what_to_do() -> None:
    with pytest.raises(SubscriptionFailed, match=r"register one with @subscriber\.on"):
        await Subscriber("localhost:9092", group="tests").run()


def test_a_new_id_is_a_uuid_of_version_7() -> None:
    ids = [new_id() for _ in range(100)]

    assert {made.version for made in ids} == {7}
    assert {made.variant for made in ids} == {UUID(int=2 << 62).variant}
