"""From Kafka to the dashboard: the consumer role against the real broker."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from aiokafka import AIOKafkaProducer
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr
from sqlalchemy import select

from stoa_analytics.ingestion.consumers import router
from stoa_analytics.warehouse.provider import ServerEngine
from stoa_analytics.warehouse.service import Warehouse
from stoa_common import telemetry
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.messaging import kafka
from stoa_common.messaging.consumers import Consumers
from stoa_common.messaging.tables import bad_events
from stoa_common.resources import Resources
from stoa_common.testing import Identities, an_envelope
from stoa_common.testing.servers import Servers
from stoa_events.contract import Event

from .conftest import Course

Headers = Sequence[tuple[str, bytes | None]]


@pytest.fixture
def cluster(servers: Servers, topic_prefix: str) -> kafka.Cluster:
    return kafka.Cluster(servers.kafka_bootstrap_servers, topic_prefix)


@asynccontextmanager
async def consuming(database: Database, resources: Resources, cluster: kafka.Cluster) -> AsyncIterator[Consumers]:
    """The consumer role, until the block ends."""
    consumers = Consumers([router], database, resources, cluster)
    running = asyncio.create_task(consumers.run())
    try:
        yield consumers
        assert not running.done(), running.exception()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def producing(cluster: kafka.Cluster) -> AsyncIterator[AIOKafkaProducer]:
    producer = kafka.new_producer(cluster)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def publish(producer: AIOKafkaProducer, cluster: kafka.Cluster, *events: Event, **changed: Any) -> None:
    for event in events:
        headers = an_envelope(event, **changed).headers()
        await send(producer, cluster, event.topic, event.data(), headers, key=event.subject)


async def send(
    producer: AIOKafkaProducer, cluster: kafka.Cluster, topic: str, value: bytes | None, headers: Headers, key: str
) -> None:
    await producer.send_and_wait(cluster.named(topic), value, key=key.encode(), headers=list(headers))


async def until(fact: Callable[[], Awaitable[bool]], *, seconds: float = 20) -> None:
    """Wait for a fact; fails when it does not come true in time."""
    async with asyncio.timeout(seconds):
        while not await fact():
            await asyncio.sleep(0.1)


async def test_published_events_reach_the_dashboard(
    client: httpx2.AsyncClient,
    database: Database,
    resources: Resources,
    cluster: kafka.Cluster,
    identities: Identities,
    course: Course,
) -> None:
    headers = identities.headers(identities.principal("author", organization_id=course.organization_id))
    people = [new_id() for _ in range(20)]

    async with producing(cluster) as producer, consuming(database, resources, cluster):
        await publish(producer, cluster, course.published(), *(course.enrolled(p) for p in people))
        await publish(producer, cluster, *(course.graded(p, 1.0, n / 20) for n, p in enumerate(people)))

        async def has_all() -> bool:
            answer = await client.get("/api/v1/analytics/events/summary", headers=headers)
            return bool(answer.json()["total"] == 41)

        await until(has_all)
    answer = await client.get(f"/api/v1/analytics/courses/{course.course_id}", headers=headers)

    dashboard = answer.json()
    assert (dashboard["learners"], dashboard["attempts"]) == (20, 20)
    assert dashboard["mean_score"] == pytest.approx((1 + 9.5 / 20) / 2, abs=1e-12)


async def test_poison_goes_to_bad_events_and_the_rest_flows(
    client: httpx2.AsyncClient,
    database: Database,
    resources: Resources,
    cluster: kafka.Cluster,
    identities: Identities,
    course: Course,
) -> None:
    headers = identities.headers(identities.principal("author", organization_id=course.organization_id))
    good = course.enrolled(new_id())
    envelope = an_envelope(good).headers()
    key, topic = good.subject, good.topic
    poison: list[tuple[bytes | None, Headers]] = [
        (b"not json", envelope),
        (b'{"enrollment_id": 7}', envelope),
        (None, envelope),
        (good.data(), []),
        (good.data(), [("ce_type", b"\xff"), *envelope]),
        (good.data(), [("ce_id", None), *envelope]),
        (good.data(), an_envelope(good, sequence=-1).headers()),
    ]

    async with producing(cluster) as producer, consuming(database, resources, cluster):
        for value, broken in poison:
            await send(producer, cluster, topic, value, broken, key)
        await publish(producer, cluster, good)

        async def has_the_good_one() -> bool:
            answer = await client.get("/api/v1/analytics/events/summary", headers=headers)
            return bool(answer.json()["total"] == 1)

        await until(has_the_good_one)

    async with database.transaction() as session:
        errors = (await session.scalars(select(bad_events.c.error).where(bad_events.c.consumer == router.group))).all()
    assert len(errors) == len(poison)
    assert all(errors)


async def test_a_warehouse_that_is_away_holds_the_events_until_it_is_back(
    client: httpx2.AsyncClient,
    database: Database,
    resources: Resources,
    cluster: kafka.Cluster,
    identities: Identities,
    course: Course,
) -> None:
    headers = identities.headers(identities.principal("author", organization_id=course.organization_id))
    nowhere = Warehouse(ServerEngine(SecretStr("http://127.0.0.1:9")), threads=1)

    async with producing(cluster) as producer, consuming(database, Resources([nowhere]), cluster):
        await publish(producer, cluster, course.published())
        await asyncio.sleep(2)
    await nowhere.close()
    async with consuming(database, resources, cluster):

        async def has_it() -> bool:
            answer = await client.get("/api/v1/analytics/events/summary", headers=headers)
            return bool(answer.json()["total"] == 1)

        await until(has_it)


async def test_an_insert_is_linked_to_the_trace_of_each_event(
    client: httpx2.AsyncClient,
    database: Database,
    resources: Resources,
    cluster: kafka.Cluster,
    identities: Identities,
    course: Course,
    spans: InMemorySpanExporter,
) -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    async with producing(cluster) as producer, consuming(database, resources, cluster):
        await publish(producer, cluster, course.published(), traceparent=traceparent)

        async def is_linked() -> bool:
            links = [link for s in spans.get_finished_spans() if s.name.endswith(" insert") for link in s.links]
            return [f"{link.context.trace_id:032x}-{link.context.span_id:016x}" for link in links] == [
                traceparent[3:52]
            ]

        await until(is_linked)


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "_tracer", provider.get_tracer("tests"))
    return exporter
