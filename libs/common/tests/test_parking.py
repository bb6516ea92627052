"""What is parked is applied once, in its key's order, whoever retries, edits or discards meanwhile."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parking_reader import Reader, an_enrollment, id_of, make_due, parked_of
from prometheus_client import REGISTRY
from sqlalchemy import text, update

from stoa_common import clock
from stoa_common.database import Database, Session
from stoa_common.ids import new_id
from stoa_common.messaging import EventRouter, kafka, parking
from stoa_common.messaging.handling import Handling, Outcome
from stoa_common.messaging.operations import service as operations
from stoa_common.messaging.operations.domain import EventIsBeingTried
from stoa_common.messaging.parking import DEAD, SCHEDULE, WAITING
from stoa_common.messaging.retrier import Retrier
from stoa_common.messaging.tables import parked
from stoa_common.resources import Resources
from stoa_common.testing import Delivery, Identities, an_envelope
from stoa_common.testing.poison import POISON, poisoned
from stoa_events.contracts import LearnerEnrolled
from stoa_events.contracts.operations import operations_of

pytestmark = pytest.mark.usefixtures("unpublished", "without_quick_tries")


async def test_a_record_that_kafka_delivers_again_is_parked_once(
    database: Database, delivery: Delivery, reader: Reader
) -> None:
    reader.is_broken = True
    record = delivery.record_of(an_enrollment())

    outcomes = [await reader.handling.take(record) for _ in range(3)]

    assert outcomes == [Outcome.PARKED] * 3
    assert len(await parked_of(database, reader)) == 1


async def test_those_behind_follow_at_once_when_the_head_is_settled(
    database: Database, delivery: Delivery, reader: Reader
) -> None:
    reader.is_broken = True
    enrollment, records = new_id(), []
    for _ in range(3):
        records.append(delivery.record_of(an_enrollment(enrollment)))
        await reader.handling.take(records[-1])
    async with database.transaction() as session:
        head = parked.c.position == (await parked_of(database, reader))[0].position
        await session.execute(update(parked).where(head).values(next_try_at=clock.now()))
    reader.is_broken = False

    tried = await reader.retrier.retry_due()

    assert (tried, reader.applied) == (3, [id_of(record) for record in records])
    assert await parked_of(database, reader) == []


async def test_each_failed_try_waits_longer_and_the_last_one_is_announced(
    database: Database, delivery: Delivery, reader: Reader
) -> None:
    reader.is_broken = True
    event = an_enrollment()
    await reader.handling.take(delivery.record_of(event))

    waits = []
    for _ in SCHEDULE:
        await make_due(database, reader)
        await reader.retrier.retry_due()
        row = (await parked_of(database, reader))[0]
        waits.append((row.state, round((row.next_try_at - clock.now()).total_seconds())))

    expected = [*SCHEDULE[1:], SCHEDULE[-1]]
    assert [state for state, _ in waits] == [WAITING] * 4 + [DEAD]
    assert all(abs(seconds - wait.total_seconds()) < 30 for (_, seconds), wait in zip(waits, expected, strict=True))
    died = await delivery.recorded(operations_of("sample").event_died, group=reader.router.group)
    assert [(d.event_type, d.attempts, d.parked_position) for d in died] == [(LearnerEnrolled.type, 5, row.position)]
    assert died[0].error.startswith("RuntimeError at parking_reader.py")


async def test_a_dead_event_is_left_alone(database: Database, delivery: Delivery, reader: Reader) -> None:
    reader.is_broken = True
    enrollment = new_id()
    for _ in range(2):
        await reader.handling.take(delivery.record_of(an_enrollment(enrollment)))
    async with database.transaction() as session:
        head = parked.c.position == (await parked_of(database, reader))[0].position
        await session.execute(update(parked).where(head).values(state=DEAD))
    await make_due(database, reader)

    assert await reader.retrier.retry_due() == 0


@pytest.mark.parametrize("kind", [kind for kind in POISON if kind not in ("unknown-type", "one-megabyte")])
async def test_what_could_not_be_read_cannot_be_read_when_it_is_tried_again(
    database: Database, delivery: Delivery, reader: Reader, kind: str
) -> None:
    event = an_enrollment()
    headers, value = poisoned(kind, an_envelope(event), event.data())
    record = replace(delivery.record_of(event), headers=tuple(headers), value=value)
    assert await reader.handling.take(record) is Outcome.PARKED
    await make_due(database, reader)

    await reader.retrier.retry_due()

    (row,) = await parked_of(database, reader)
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
        await reader.handling.take(delivery.record_of(an_enrollment()))
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
    await reader.handling.take(delivery.record_of(an_enrollment()))
    await reader.retrier.measure()
    reader.is_broken = False
    await make_due(database, reader)
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
        await reader.handling.take(delivery.record_of(an_enrollment()))
    await make_due(database, reader)
    reader.error = ConnectionRefusedError("the database of somebody")

    tried = await reader.retrier.retry_due()

    assert tried == 0
    assert [(row.state, row.attempts) for row in await parked_of(database, reader)] == [(WAITING, 0)] * 3


async def test_two_processes_never_try_one_event_together(
    database: Database, delivery: Delivery, reader: Reader
) -> None:
    reader.is_broken = True
    await reader.handling.take(delivery.record_of(an_enrollment()))
    await make_due(database, reader)
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
    await reader.handling.take(delivery.record_of(an_enrollment()))
    await make_due(database, reader)
    position = (await parked_of(database, reader))[0].position
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
    await reader.handling.take(delivery.record_of(an_enrollment()))
    await make_due(database, reader)

    await Retrier([reader.handling]).retry_due()

    assert [(row.state, row.attempts) for row in await parked_of(database, reader)] == [(WAITING, 1)]
