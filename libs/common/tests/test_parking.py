"""What is parked is applied once, in its key's order, whoever retries, edits or discards meanwhile."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from sqlalchemy import select, text, update

from stoa_common import clock
from stoa_common.database import Database, Session
from stoa_common.ids import new_id
from stoa_common.messaging import EventRouter, handling, kafka, parking
from stoa_common.messaging.handling import Handling, Outcome
from stoa_common.messaging.operations import service as operations
from stoa_common.messaging.operations.domain import EventIsBeingTried, EventIsDiscarded, ParkedEventNotFound
from stoa_common.messaging.operations.schemas import EditIn
from stoa_common.messaging.parking import DEAD, SCHEDULE, WAITING
from stoa_common.messaging.record import Record
from stoa_common.messaging.retrier import Retrier
from stoa_common.messaging.tables import parked
from stoa_common.resources import Resources
from stoa_common.testing import Delivery, Identities, an_envelope
from stoa_common.testing.poison import POISON, poisoned
from stoa_events.contracts import LearnerEnrolled
from stoa_events.contracts.operations import operations_of
from stoa_events.envelope import Envelope

REFUSED = (EventIsBeingTried, EventIsDiscarded, ParkedEventNotFound)


class Reader:
    """A group of its own whose handler notes what it applies, and fails where it is told to."""

    def __init__(self, database: Database, resources: Resources) -> None:
        self.router = EventRouter(group=f"sample.r{new_id().hex}")
        self.is_broken = False
        self.error: Exception = RuntimeError("a bug")
        self.applied: list[UUID] = []
        self.entered, self.release = asyncio.Event(), asyncio.Event()
        self.release.set()
        self.handling = Handling(self.router, database, resources)
        self.retrier = Retrier([self.handling])
        self.router.on(LearnerEnrolled)(self._handle)

    async def _handle(self, event: LearnerEnrolled, envelope: Envelope) -> None:
        self.entered.set()
        await self.release.wait()
        if self.is_broken:
            raise self.error
        self.applied.append(envelope.id)


@pytest_asyncio.fixture(autouse=True, scope="module", loop_scope="session")
async def _unpublished(database: Database) -> AsyncIterator[None]:
    """The sample's own topics are on no Kafka: a relay of another module must not find what is recorded here."""
    yield
    async with database.transaction() as session:
        await session.execute(
            text("DELETE FROM outbox USING event_log e WHERE e.id = outbox.event_id AND e.topic LIKE 'sample.%'")
        )


@pytest.fixture(autouse=True, scope="module")
def _quick() -> Iterator[None]:
    """What is tested begins after the quick tries."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handling, "QUICK_TRY_WAIT", 0.0)
        yield


@pytest.fixture
def reader(database: Database, resources: Resources) -> Reader:
    return Reader(database, resources)


def _event(enrollment_id: UUID | None = None) -> LearnerEnrolled:
    ids = {name: new_id() for name in ("organization_id", "course_id", "person_id")}
    return LearnerEnrolled(enrollment_id=enrollment_id or new_id(), enrolled_at=clock.now(), **ids)


async def _rows(database: Database, reader: Reader) -> Sequence[Any]:
    async with database.transaction() as session:
        mine = select(parked).where(parked.c.consumer == reader.router.group).order_by(parked.c.position)
        return (await session.execute(mine)).all()


async def _make_due(database: Database, reader: Reader) -> None:
    async with database.transaction() as session:
        mine = update(parked).where(parked.c.consumer == reader.router.group)
        await session.execute(mine.values(next_try_at=clock.now() - timedelta(seconds=1)))


async def test_a_record_that_kafka_delivers_again_is_parked_once(
    database: Database, delivery: Delivery, reader: Reader
) -> None:
    reader.is_broken = True
    record = delivery.record_of(_event())

    outcomes = [await reader.handling.take(record) for _ in range(3)]

    assert outcomes == [Outcome.PARKED] * 3
    assert len(await _rows(database, reader)) == 1


async def test_those_behind_follow_at_once_when_the_head_is_settled(
    database: Database, delivery: Delivery, reader: Reader
) -> None:
    reader.is_broken = True
    enrollment, records = new_id(), []
    for _ in range(3):
        records.append(delivery.record_of(_event(enrollment)))
        await reader.handling.take(records[-1])
    async with database.transaction() as session:
        head = parked.c.position == (await _rows(database, reader))[0].position
        await session.execute(update(parked).where(head).values(next_try_at=clock.now()))
    reader.is_broken = False

    tried = await reader.retrier.retry_due()

    assert (tried, reader.applied) == (3, [_id_of(record) for record in records])
    assert await _rows(database, reader) == []


async def test_each_failed_try_waits_longer_and_the_last_one_is_announced(
    database: Database, delivery: Delivery, reader: Reader
) -> None:
    reader.is_broken = True
    event = _event()
    await reader.handling.take(delivery.record_of(event))

    waits = []
    for _ in SCHEDULE:
        await _make_due(database, reader)
        await reader.retrier.retry_due()
        row = (await _rows(database, reader))[0]
        waits.append((row.state, round((row.next_try_at - clock.now()).total_seconds())))

    expected = [*SCHEDULE[1:], SCHEDULE[-1]]
    assert [state for state, _ in waits] == [WAITING] * 4 + [DEAD]
    assert all(abs(seconds - wait.total_seconds()) < 30 for (_, seconds), wait in zip(waits, expected, strict=True))
    died = await delivery.recorded(operations_of("sample").event_died, group=reader.router.group)
    assert [(d.event_type, d.attempts, d.parked_position) for d in died] == [(LearnerEnrolled.type, 5, row.position)]
    assert died[0].error.startswith("RuntimeError at test_parking.py")


async def test_a_dead_event_is_left_alone(database: Database, delivery: Delivery, reader: Reader) -> None:
    reader.is_broken = True
    enrollment = new_id()
    for _ in range(2):
        await reader.handling.take(delivery.record_of(_event(enrollment)))
    async with database.transaction() as session:
        head = parked.c.position == (await _rows(database, reader))[0].position
        await session.execute(update(parked).where(head).values(state=DEAD))
    await _make_due(database, reader)

    assert await reader.retrier.retry_due() == 0


@pytest.mark.parametrize("kind", [kind for kind in POISON if kind not in ("unknown-type", "one-megabyte")])
async def test_what_could_not_be_read_cannot_be_read_when_it_is_tried_again(
    database: Database, delivery: Delivery, reader: Reader, kind: str
) -> None:
    event = _event()
    headers, value = poisoned(kind, an_envelope(event), event.data())
    record = replace(delivery.record_of(event), headers=tuple(headers), value=value)
    assert await reader.handling.take(record) is Outcome.PARKED
    await _make_due(database, reader)

    await reader.retrier.retry_due()

    (row,) = await _rows(database, reader)
    assert (row.attempts, reader.applied) == (1, [])
    assert parking.record_of(row).headers == record.headers


@given(st.binary() | st.text().map(str.encode) | st.binary().map(lambda rest: kafka.DATA_URL.encode() + rest))
def test_any_bytes_can_be_stored_as_text_and_come_back(value: bytes) -> None:
    text = kafka.printable(value)

    assert kafka.raw(text) == value
    assert "\x00" not in text


async def test_metrics_say_how_much_is_set_aside_and_since_when(
    database: Database, delivery: Delivery, reader: Reader
) -> None:
    reader.is_broken = True
    for _ in range(2):
        await reader.handling.take(delivery.record_of(_event()))
    async with database.transaction() as session:
        mine = update(parked).where(parked.c.consumer == reader.router.group)
        await session.execute(mine.values(parked_at=clock.now() - timedelta(hours=1)))

    assert await reader.retrier.measure()

    group = {"consumer": reader.router.group}
    assert REGISTRY.get_sample_value("stoa_parked_events", {**group, "state": WAITING}) == 2
    assert REGISTRY.get_sample_value("stoa_parked_events", {**group, "state": DEAD}) == 0
    assert 3600 <= (REGISTRY.get_sample_value("stoa_parked_oldest_age_seconds", group) or 0) < 4000


async def test_metrics_forget_what_was_settled(database: Database, delivery: Delivery, reader: Reader) -> None:
    reader.is_broken = True
    await reader.handling.take(delivery.record_of(_event()))
    await reader.retrier.measure()
    reader.is_broken = False
    await _make_due(database, reader)
    await reader.retrier.retry_due()

    assert not await reader.retrier.measure()

    group = {"consumer": reader.router.group}
    assert REGISTRY.get_sample_value("stoa_parked_events", {**group, "state": WAITING}) == 0
    assert REGISTRY.get_sample_value("stoa_parked_oldest_age_seconds", group) == 0


async def test_infrastructure_that_is_away_counts_no_try_and_holds_nobody_else(
    database: Database, delivery: Delivery, reader: Reader
) -> None:
    reader.is_broken = True
    for _ in range(3):
        await reader.handling.take(delivery.record_of(_event()))
    await _make_due(database, reader)
    reader.error = ConnectionRefusedError("the database of somebody")

    tried = await reader.retrier.retry_due()

    assert tried == 0
    assert [(row.state, row.attempts) for row in await _rows(database, reader)] == [(WAITING, 0)] * 3


async def test_two_processes_never_try_one_event_together(
    database: Database, delivery: Delivery, reader: Reader
) -> None:
    reader.is_broken = True
    await reader.handling.take(delivery.record_of(_event()))
    await _make_due(database, reader)
    reader.is_broken = False
    reader.entered.clear()
    reader.release.clear()

    first = asyncio.create_task(reader.retrier.retry_due())
    await asyncio.wait_for(reader.entered.wait(), 10)
    meanwhile = await asyncio.wait_for(Retrier([reader.handling]).retry_due(), 10)
    reader.release.set()

    assert (meanwhile, await first, len(reader.applied)) == (0, 1, 1)


async def test_an_operator_is_told_that_an_event_is_being_tried(
    database: Database, delivery: Delivery, reader: Reader, identities: Identities
) -> None:
    reader.is_broken = True
    await reader.handling.take(delivery.record_of(_event()))
    await _make_due(database, reader)
    position = (await _rows(database, reader))[0].position
    reader.is_broken = False
    reader.entered.clear()
    reader.release.clear()

    trying = asyncio.create_task(reader.retrier.retry_due())
    await asyncio.wait_for(reader.entered.wait(), 10)
    with pytest.raises(EventIsBeingTried):
        async with database.transaction() as session:
            await operations.discard_parked(session, position, reason="x", caller=identities.principal("operator"))
    reader.release.set()
    await trying

    assert len(reader.applied) == 1


async def test_a_commit_that_fails_leaves_the_event_parked_and_counts(
    database: Database, delivery: Delivery, reader: Reader
) -> None:
    async def fail_late(event: LearnerEnrolled, session: Session) -> None:
        await session.execute(text("INSERT INTO pairs VALUES (1), (1)"))

    router = EventRouter(group=f"sample.r{new_id().hex}")
    router.on(LearnerEnrolled)(fail_late)
    reader.handling = Handling(router, database, Resources())
    reader.router = router
    await reader.handling.take(delivery.record_of(_event()))
    await _make_due(database, reader)

    await Retrier([reader.handling]).retry_due()

    assert [(row.state, row.attempts) for row in await _rows(database, reader)] == [(WAITING, 1)]


#: Deliveries, bugs that come and go, and rounds of retriers are frequent; what operators do is spread among them.
STEPS = st.one_of(
    *[st.tuples(st.just("deliver"), st.integers(0, 1))] * 2,
    *[st.tuples(st.sampled_from(["break", "mend", "make due", "retry by two"]), st.just(0))] * 2,
    st.tuples(st.sampled_from(["redeliver", "retry", "edit", "discard"]), st.integers(0, 20)),
)


class Story:
    """One interleaving: what is delivered to a reader, and what is done to what it parks."""

    def __init__(self, database: Database, delivery: Delivery, reader: Reader, identities: Identities) -> None:
        self.database, self.delivery, self.reader = database, delivery, reader
        self.operator = identities.principal("operator")
        self.groups = {reader.router.group: reader.router}
        self.keys = [new_id() for _ in range(2)]
        self.records: list[Record] = []

    async def step(self, action: str, number: int) -> None:
        if action == "deliver":
            self.records.append(self.delivery.record_of(_event(self.keys[number])))
            await self.reader.handling.take(self.records[-1])
        elif action == "redeliver" and self.records:
            await self.reader.handling.take(self.records[number % len(self.records)])
        elif action in {"break", "mend"}:
            self.reader.is_broken = action == "break"
        elif action == "make due":
            await _make_due(self.database, self.reader)
        elif action == "retry by two":
            other = Retrier([self.reader.handling])
            await asyncio.gather(self.reader.retrier.retry_due(), other.retry_due())
        elif rows := await _rows(self.database, self.reader):
            position = rows[number % len(rows)].position
            await asyncio.gather(self._operate(action, position), self.reader.retrier.retry_due())

    async def _operate(self, action: str, position: int) -> None:
        with contextlib.suppress(*REFUSED):
            async with self.database.transaction() as session:
                if action == "retry":
                    await operations.retry_parked(session, position, caller=self.operator)
                elif action == "edit":
                    edit = EditIn(headers={"x-note": "seen"})
                    await operations.edit_parked(session, self.groups, position, edit, caller=self.operator)
                else:
                    await operations.discard_parked(session, position, reason="given up", caller=self.operator)

    async def end(self) -> None:
        """Everything that still waits is retried until nothing is left."""
        self.reader.is_broken = False
        for row in await _rows(self.database, self.reader):
            await self._operate("retry", row.position)
        await self.reader.retrier.retry_due()

    async def discarded(self) -> set[UUID]:
        rows = await _rows(self.database, self.reader)
        assert {row.state for row in rows} <= {"discarded"}
        return {UUID(dict(row.headers)["ce_id"]) for row in rows}


@given(steps=st.lists(STEPS, min_size=5, max_size=25))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_happens_each_event_is_applied_once_in_order_or_discarded(
    database: Database, delivery: Delivery, resources: Resources, identities: Identities, steps: list[tuple[str, int]]
) -> None:
    story = Story(database, delivery, Reader(database, resources), identities)

    story.reader.is_broken = True
    for action, number in steps:
        await story.step(action, number)
    await story.end()

    applied = story.reader.applied
    assert max(Counter(applied).values(), default=1) == 1
    assert set(applied) | await story.discarded() == {_id_of(record) for record in story.records}
    assert not set(applied) & await story.discarded()
    for key in story.keys:
        line = [_id_of(record) for record in story.records if record.key_text == str(key)]
        assert [i for i in line if i in applied] == [i for i in applied if i in line]


def _id_of(record: Record) -> UUID:
    return Envelope.from_headers(record.headers).id
