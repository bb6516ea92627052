"""The publisher's side of a replay: what is sent again, in which order, and through kills."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from sqlalchemy import delete, func, select, text, update

from stoa_common import clock, outbox
from stoa_common.database import Database, Session
from stoa_common.ids import new_id
from stoa_common.messaging import kafka
from stoa_common.messaging.kafka import Cluster
from stoa_common.messaging.record import Record
from stoa_common.messaging.replay import records
from stoa_common.messaging.replay.consumers import replays_router
from stoa_common.messaging.replay.records import EndMarker
from stoa_common.messaging.replay.republisher import Republisher
from stoa_common.messaging.replay.tables import republications
from stoa_common.outbox.tables import event_log
from stoa_common.testing import Delivery
from stoa_common.testing.servers import Servers
from stoa_events.contract import Event
from stoa_events.contracts import AttemptGraded, CourseCompleted, LearnerEnrolled, operations_of

GROUP = "ai.sample"
ENROLLMENTS = LearnerEnrolled.topic
router = replays_router("content")


@pytest.fixture
async def cluster(servers: Servers, topic_prefix: str) -> AsyncIterator[Cluster]:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers.kafka_bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic(f"{topic_prefix}{GROUP}.replay", 3, 1)])
    yield Cluster(servers.kafka_bootstrap_servers, topic_prefix)
    await admin.delete_topics([f"{topic_prefix}{GROUP}.replay"])
    await admin.close()


@pytest.fixture
async def empty_log(database: Database) -> None:
    async with database.transaction() as session:
        for table in (event_log, republications):
            await session.execute(delete(table))


pytestmark = pytest.mark.usefixtures("empty_log")


def an_enrollment(enrollment_id: UUID) -> LearnerEnrolled:
    ids = {name: new_id() for name in ("organization_id", "course_id", "person_id")}
    return LearnerEnrolled(enrollment_id=enrollment_id, enrolled_at=clock.now(), **ids)


def a_completion(enrollment_id: UUID) -> CourseCompleted:
    ids = {name: new_id() for name in ("organization_id", "course_id", "person_id")}
    return CourseCompleted(enrollment_id=enrollment_id, completed_at=clock.now(), **ids)


async def record_all(database: Database, *events: Event) -> None:
    async with database.transaction() as session:
        for event in events:
            outbox.add(session, event)


async def ask(delivery: Delivery, **changed: Any) -> UUID:
    """The request of a replay, as its reader's service publishes it."""
    fields: dict[str, Any] = {"replay_id": new_id(), "group": GROUP, "topics": [ENROLLMENTS], "types": []}
    fields |= {"rate": 20_000, "is_rebuild": False, "requested_at": clock.now()} | changed
    event = operations_of("ai").replay_requested(**fields)
    await delivery.deliver(router, event)
    return event.replay_id


async def send_all(republisher: Republisher, session_of: Database) -> None:
    """Pages are due at their rate; what the test sees does not depend on waiting for it."""
    while True:
        async with session_of.transaction() as session:
            await session.execute(update(republications).values(next_page_at=func.now() - timedelta(seconds=1)))
        if not await republisher.republish_page():
            return


async def read_all(cluster: Cluster) -> list[Record | EndMarker]:
    consumer = kafka.new_consumer(cluster, [records.replay_topic(GROUP)])
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        found: list[Record | EndMarker] = []
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            fetched = await consumer.getmany(timeout_ms=500)
            found += [records.read(Record.of(raw, cluster)) for raws in fetched.values() for raw in raws]
        return found
    finally:
        await consumer.stop()


def sent_ids(found: list[Record | EndMarker]) -> list[UUID]:
    return [UUID(dict(one.headers)["ce_id"].decode()) for one in found if isinstance(one, Record)]  # type: ignore[union-attr]


async def logged_ids(database: Database, *conditions: Any) -> set[UUID]:
    async with database.transaction() as session:
        return set(await session.scalars(select(event_log.c.id).where(*conditions)))


async def test_each_key_is_sent_in_its_order_whatever_the_clocks_said(
    database: Database, delivery: Delivery, cluster: Cluster
) -> None:
    keys = [new_id() for _ in range(5)]
    await record_all(database, *(an_enrollment(key) for key in keys))
    await record_all(database, *(a_completion(key) for key in keys))
    async with database.transaction() as session:
        late = event_log.c.sequence == 1
        await session.execute(update(event_log).where(late).values(recorded_at=clock.now() + timedelta(hours=1)))
    await ask(delivery)

    republisher = Republisher("content", database, cluster)
    await send_all(republisher, database)
    await republisher.close()

    found = [one for one in await read_all(cluster) if isinstance(one, Record)]
    assert len(found) == 10
    for key in keys:
        mine = [one for one in found if one.key == str(key).encode()]
        assert [dict(one.headers)["ce_sequence"] for one in mine] == [b"1", b"2"]
        assert {one.topic for one in mine} == {ENROLLMENTS}


async def test_each_partition_ends_with_a_marker_that_tells_how_much_was_sent(
    database: Database, delivery: Delivery, cluster: Cluster
) -> None:
    await record_all(database, *(an_enrollment(new_id()) for _ in range(7)))
    replay_id = await ask(delivery)

    republisher = Republisher("content", database, cluster)
    await send_all(republisher, database)
    await republisher.close()

    markers = [one for one in await read_all(cluster) if isinstance(one, EndMarker)]
    assert {marker.partition for marker in markers} == {0, 1, 2}
    assert {(m.replay_id, m.publisher, m.partitions, m.sent) for m in markers} == {(replay_id, "content", 3, 7)}


async def test_one_key_one_type_or_a_window_of_time_sends_just_those(
    database: Database, delivery: Delivery, cluster: Cluster
) -> None:
    key, noon = new_id(), clock.now()
    await record_all(database, an_enrollment(key), an_enrollment(new_id()), a_completion(key))
    async with database.transaction() as session:
        before = (event_log.c.key == str(key)) & (event_log.c.type == LearnerEnrolled.type)
        await session.execute(update(event_log).where(before).values(recorded_at=noon - timedelta(hours=1)))
    wishes: list[tuple[dict[str, Any], Any]] = [
        ({"key": str(key)}, event_log.c.key == str(key)),
        ({"types": [CourseCompleted.type]}, event_log.c.type == CourseCompleted.type),
        ({"recorded_until": noon}, event_log.c.recorded_at < noon),
        ({"recorded_from": noon}, event_log.c.recorded_at >= noon),
    ]
    republisher = Republisher("content", database, cluster)

    for asked, wanted in wishes:
        replay_id = await ask(delivery, **asked)
        await send_all(republisher, database)
        found = [one for one in await read_all(cluster) if isinstance(one, Record) and one.replay_id == replay_id]
        assert set(sent_ids(list(found))) == await logged_ids(database, wanted), asked
    await republisher.close()


async def test_a_killed_relay_goes_on_where_its_last_page_was_noted(
    database: Database, delivery: Delivery, cluster: Cluster
) -> None:
    await record_all(database, *(an_enrollment(new_id()) for _ in range(12)))
    await ask(delivery, rate=16)  # four a page

    for _ in range(3):
        republisher = Republisher("content", database, cluster)
        await _one_page(republisher, database)
        await republisher.close()
    republisher = Republisher("content", database, cluster)
    await send_all(republisher, database)
    await republisher.close()

    sent = sent_ids(await read_all(cluster))
    assert len(sent) == 12
    assert set(sent) == await logged_ids(database)


async def _one_page(republisher: Republisher, database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(update(republications).values(next_page_at=func.now() - timedelta(seconds=1)))
    assert await republisher.republish_page()


async def test_a_late_commit_is_left_to_the_relay_with_all_that_follows_it(
    database: Database, delivery: Delivery, cluster: Cluster
) -> None:
    """Sent without its predecessor, an event would make that predecessor stale."""
    key = new_id()
    await record_all(database, *(an_enrollment(new_id()) for _ in range(3)))
    early = await logged_ids(database)
    republisher = Republisher("content", database, cluster)
    async with database._sessions() as late:
        await _write(late, an_enrollment(key))
        await ask(delivery)
        await _one_page(republisher, database)
        await late.commit()
    await record_all(database, a_completion(key), an_enrollment(new_id()))

    await send_all(republisher, database)
    await republisher.close()

    assert set(sent_ids(await read_all(cluster))) == early


async def _write(session: Session, event: Event) -> None:
    outbox.add(session, event)
    await outbox.write(session)


async def test_two_relays_send_everything_once(database: Database, delivery: Delivery, cluster: Cluster) -> None:
    await record_all(database, *(an_enrollment(new_id()) for _ in range(9)))
    await ask(delivery, rate=8)
    first, second = (Republisher("content", database, cluster) for _ in range(2))

    async with database._sessions() as session:
        await session.execute(select(republications).with_for_update())
        assert not await first.republish_page(), "another relay has it"
        await session.rollback()
    await send_all(first, database)
    await send_all(second, database)
    await first.close()
    await second.close()

    assert len(sent_ids(await read_all(cluster))) == 9


async def test_a_cancelled_replay_is_sent_no_further(database: Database, delivery: Delivery, cluster: Cluster) -> None:
    await record_all(database, *(an_enrollment(new_id()) for _ in range(9)))
    replay_id = await ask(delivery, rate=8)
    republisher = Republisher("content", database, cluster)
    for _ in range(2):
        await _one_page(republisher, database)

    cancelled = operations_of("ai").replay_cancelled(replay_id=replay_id, cancelled_at=clock.now())
    await delivery.deliver(router, cancelled)
    await send_all(republisher, database)
    await republisher.close()

    found = await read_all(cluster)
    assert len(sent_ids(found)) == 2
    assert not [one for one in found if isinstance(one, EndMarker)]


async def test_a_service_that_publishes_none_of_it_sends_nothing(database: Database, delivery: Delivery) -> None:
    await ask(delivery, topics=["auth.user"])
    await ask(delivery, topics=[AttemptGraded.topic, "auth.user"])

    async with database.transaction() as session:
        kept = (await session.execute(select(republications.c.topics))).scalars().all()
        assert kept == [[AttemptGraded.topic]]
        assert await session.scalar(text("SELECT count(*) FROM parked")) == 0
