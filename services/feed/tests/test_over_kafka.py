"""From Kafka to the feed: what was published is all there, once, also after the copy was interrupted."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from stoa_common import clock
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.messaging.consumers import Consumers
from stoa_common.messaging.kafka import Cluster, new_producer
from stoa_common.messaging.tables import bad_events
from stoa_common.resources import Resources
from stoa_common.testing.servers import Servers
from stoa_events.contracts import OrganizationCreated, UserErased
from stoa_events.envelope import Envelope
from stoa_feed.events.consumers import router
from stoa_feed.events.models import FeedEvent, PlatformEvent

Sent = tuple[str, bytes, bytes, Sequence[tuple[str, bytes | None]]]


@pytest.fixture
def cluster(servers: Servers, topic_prefix: str) -> Cluster:
    return Cluster(servers.kafka_bootstrap_servers, topic_prefix)


async def publish(cluster: Cluster, records: Sequence[Sent]) -> None:
    producer = new_producer(cluster)
    await producer.start()
    try:
        waiting = [
            await producer.send(cluster.named(topic), value, key=key, headers=list(headers))
            for topic, key, value, headers in records
        ]
        await asyncio.gather(*waiting)
    finally:
        await producer.stop()


@contextlib.asynccontextmanager
async def copying(database: Database, resources: Resources, cluster: Cluster) -> AsyncIterator[None]:
    running = asyncio.create_task(Consumers([router], database, resources, cluster).run())
    try:
        yield
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def wait_until_copied(database: Database, organization_id: UUID, count: int) -> list[tuple[int, UUID]]:
    query = select(FeedEvent.number, FeedEvent.event_id).where(FeedEvent.organization_id == organization_id)
    async with asyncio.timeout(25):
        while True:
            async with database.transaction() as session:
                found = [(r.number, r.event_id) for r in await session.execute(query.order_by(FeedEvent.number))]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.1)


def sent(event: Any, envelope: Envelope, value: bytes | None = None) -> Sent:
    headers: list[tuple[str, bytes | None]] = list(envelope.headers())
    return event.topic, event.subject.encode(), event.data() if value is None else value, headers


async def test_what_is_published_is_in_the_feed_once_also_over_an_interruption(
    make: Any, database: Database, resources: Resources, cluster: Cluster, organization_id: UUID
) -> None:
    lessons = [make.lesson(organization_id) for _ in range(150)]
    founding = OrganizationCreated(organization_id=organization_id, name="Stoa", created_at=clock.now())
    envelopes = [make.envelope(event) for event in [*lessons, founding]]
    records = [sent(event, envelope) for event, envelope in zip([*lessons, founding], envelopes, strict=True)]

    await publish(cluster, records[:80])
    async with copying(database, resources, cluster):
        await wait_until_copied(database, organization_id, 1)
    await publish(cluster, records + records[:30])
    async with copying(database, resources, cluster):
        found = await wait_until_copied(database, organization_id, len(records))
        # Time for duplicates to show, if there are any.
        await asyncio.sleep(0.5)
        found = await wait_until_copied(database, organization_id, len(records))

    assert [number for number, _ in found] == list(range(1, len(records) + 1))
    assert {event_id for _, event_id in found} == {envelope.id for envelope in envelopes}


async def test_every_record_ends_in_the_copy_or_among_the_bad_ones(
    make: Any, database: Database, resources: Resources, cluster: Cluster, organization_id: UUID
) -> None:
    lesson = make.lesson(organization_id)
    erased = UserErased(person_id=new_id(), erased_at=clock.now())
    newer = make.envelope(lesson, type="stoa.content.course.painted.v1")
    of_people, good = make.envelope(erased), make.envelope(lesson)
    without_id = [header for header in good.headers() if header[0] != "ce_id"]
    records: list[Sent] = [
        sent(lesson, make.envelope(lesson), b"\xff no JSON"),
        (lesson.topic, b"k", b"{}", without_id),
        (lesson.topic, b"k", b"{}", [("ce_id", None)]),
        sent(erased, of_people),
        sent(lesson, newer, b'{"from": "a later version"}'),
        sent(lesson, good),
    ]

    await publish(cluster, records)
    async with copying(database, resources, cluster):
        found = await wait_until_copied(database, organization_id, 2)
        async with asyncio.timeout(10):
            while await count_outside(database, of_people.id) < 4:
                await asyncio.sleep(0.1)

    assert {event_id for _, event_id in found} == {newer.id, good.id}


async def count_outside(database: Database, person_event: UUID) -> int:
    """Bad records of the copy, and the one event of a person."""
    async with database.transaction() as session:
        bad = await session.scalar(
            select(func.count()).select_from(bad_events).where(bad_events.c.consumer == "feed.copy")
        )
        kept = await session.scalar(select(func.count()).where(PlatformEvent.event_id == person_event))
    return (bad or 0) + (kept or 0)
