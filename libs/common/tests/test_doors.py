"""The other two doors: whole batches for copies of the stream, and broadcasts that may lose."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from sqlalchemy import select

from stoa_common import clock
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.messaging import Batch, BatchRecord, EventRouter
from stoa_common.messaging.consumers import Consumers, ConsumerStopped
from stoa_common.messaging.kafka import Cluster, new_producer
from stoa_common.messaging.tables import bad_events
from stoa_common.resources import Resources
from stoa_common.testing import Delivery, running
from stoa_common.testing.servers import Servers
from stoa_events.contracts import LearnerEnrolled

TOPIC = LearnerEnrolled.topic
Publish = Callable[[int], Awaitable[None]]


@pytest.fixture
def cluster(servers: Servers, topic_prefix: str) -> Cluster:
    return Cluster(servers.kafka_bootstrap_servers, topic_prefix)


@pytest.fixture
async def publish(cluster: Cluster, delivery: Delivery) -> AsyncIterator[Publish]:
    """Puts so many events on Kafka, and one record that is none."""
    producer = new_producer(cluster)
    await producer.start()

    async def send(count: int) -> None:
        ids = {name: new_id() for name in ("organization_id", "course_id", "person_id")}
        for _ in range(count):
            record = delivery.record_of(LearnerEnrolled(enrollment_id=new_id(), enrolled_at=clock.now(), **ids))
            await producer.send_and_wait(
                cluster.named(TOPIC), record.value, key=record.key, headers=list(record.headers)
            )
        await producer.send_and_wait(cluster.named(TOPIC), b"{}", headers=[("ce_id", b"\xff")])

    yield send
    await producer.stop()


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.05)


async def _kept(database: Database, consumer: str) -> list[str]:
    async with database.transaction() as session:
        query = select(bad_events.c.error).where(bad_events.c.consumer == consumer)
        return list(await session.scalars(query))


async def test_a_batch_door_takes_every_event_and_keeps_what_it_cannot_read(
    cluster: Cluster, database: Database, publish: Publish
) -> None:
    router = EventRouter(group="sample.copy")
    taken: list[BatchRecord] = []

    @router.batch([TOPIC])
    async def copy(batch: Batch) -> None:
        assert batch.token == f"{TOPIC}-{batch.partition}-{batch.first_offset}-{batch.last_offset}"
        taken.extend(batch.records)

    await publish(5)
    async with asyncio.timeout(20), running(Consumers([router], database, Resources(), cluster)):
        # The bad record may be on a partition of its own.
        while len(taken) < 5 or not (kept := await _kept(database, "sample.copy")):
            await asyncio.sleep(0.05)

    assert kept == ["The header ce_id is not UTF-8."]


async def test_a_batch_that_a_bug_refuses_is_read_again_and_not_lost(
    cluster: Cluster, database: Database, publish: Publish
) -> None:
    router = EventRouter(group="sample.copy")
    taken: list[BatchRecord] = []
    is_broken = True

    @router.batch([TOPIC])
    async def copy(batch: Batch) -> None:
        if is_broken:
            raise RuntimeError("a bug")
        taken.extend(batch.records)

    await publish(3)
    async with running(Consumers([router], database, Resources(), cluster)) as task:
        await asyncio.wait([task], timeout=20)
        assert isinstance(task.exception(), RuntimeError | ConsumerStopped)
    is_broken = False
    async with running(Consumers([router], database, Resources(), cluster)):
        await _until(lambda: len(taken) >= 3)

    assert len({record.envelope.id for record in taken}) == 3


async def test_a_broadcast_door_shows_what_comes_from_now_on(cluster: Cluster, publish: Publish) -> None:
    router = EventRouter(group="sample.push")
    seen: list[BatchRecord] = []

    @router.broadcast([TOPIC])
    async def show(record: BatchRecord) -> None:
        seen.append(record)

    async with running(Consumers([router], None, Resources(), cluster)):
        # It reads from the end: an event counts once the reader is there.
        async with asyncio.timeout(20):
            while not seen:
                await publish(1)
                await asyncio.sleep(0.2)

    assert seen[0].topic == TOPIC
    assert LearnerEnrolled.parse(seen[0].value)
