"""Events end kept answers in every process of the gateway; whoever may have missed one ends all it keeps."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest_asyncio
from aiokafka import AIOKafkaProducer

sys.path.insert(0, str(Path(__file__).parent))

from gateway_cache import CHANGED, ORGANIZATION, Cached, Catalog, Clock

from stoa_common import clock
from stoa_common.ids import new_id
from stoa_common.messaging.consumers import Consumers
from stoa_common.messaging.kafka import Cluster
from stoa_common.resources import Resources
from stoa_common.testing.consuming import running
from stoa_common.testing.delivery import an_envelope
from stoa_common.testing.servers import Servers
from stoa_events.contracts import CoursePublished
from stoa_gateway.caching import service as caching
from stoa_gateway.caching.consumers import router
from stoa_gateway.caching.domain import Purge
from stoa_gateway.caching.provider import Purges, open_redis

PURGE = Purge(CHANGED, UUID(ORGANIZATION))
Open = Callable[[], Awaitable[Cached]]


class Wire:
    """The way to Redis, which a test can cut."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._redis = (parts.hostname or "127.0.0.1", parts.port or 6379)
        self._connections: set[asyncio.StreamWriter] = set()
        self.is_cut = False

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.close()
            return
        theirs, ours = await asyncio.open_connection(*self._redis)
        both = {writer, ours}
        self._connections |= both
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(_copied(reader, ours), _copied(theirs, writer))
        self._connections -= both

    def cut(self) -> None:
        self.is_cut = True
        for writer in self._connections:
            writer.close()

    def mend(self) -> None:
        self.is_cut = False


async def _copied(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while piece := await source.read(65536):
        target.write(piece)
        await target.drain()
    target.close()


@pytest_asyncio.fixture(loop_scope="session")
async def wire(servers: Servers) -> AsyncIterator[Wire]:
    yield Wire(servers.redis_url)


@pytest_asyncio.fixture(loop_scope="session")
async def connect(servers: Servers, wire: Wire) -> AsyncIterator[Callable[[], Purges]]:
    """Purges of a process of its own; all are of one platform."""
    prefix = f"t{new_id().hex}."
    async with await asyncio.start_server(wire.take, "127.0.0.1", 0) as server, contextlib.AsyncExitStack() as stack:
        port = server.sockets[0].getsockname()[1]

        def connect_() -> Purges:
            redis = open_redis(f"redis://127.0.0.1:{port}")
            stack.push_async_callback(redis.aclose)
            return Purges(redis, prefix=prefix)

        yield connect_
        await stack.aclose()
        wire.cut()


@pytest_asyncio.fixture(loop_scope="session")
async def open_gateway(connect: Callable[[], Purges]) -> AsyncIterator[Open]:
    """A process that keeps an answer, and knows which events ended it."""
    async with contextlib.AsyncExitStack() as stack:

        async def open_() -> Cached:
            cache = await stack.enter_async_context(caching.opened(connect(), max_bytes=1_000_000))
            opened = Cached(cache, Clock(), Catalog())
            await _kept(opened)
            return opened

        yield open_


async def _kept(opened: Cached) -> None:
    """Returns when an answer stays: whoever begins to follow forgets what it has once more."""
    hits = 0
    async with asyncio.timeout(20):
        while hits < 5:
            hits = hits + 1 if (await opened.get()).became == "hit" else 0
            await asyncio.sleep(0.1)


async def _ended(opened: Cached) -> None:
    async with asyncio.timeout(20):
        while (await opened.get()).became == "hit":
            await asyncio.sleep(0.02)


async def test_a_purge_reaches_every_process(open_gateway: Open, connect: Callable[[], Purges]) -> None:
    processes = [await open_gateway(), await open_gateway()]
    announcing = connect()

    await announcing.announce([PURGE])
    for process in processes:
        await _ended(process)
        await _kept(process)
    await announcing.announce([PURGE])

    for process in processes:
        await _ended(process)


async def test_whoever_lost_redis_ends_all_it_keeps(open_gateway: Open, wire: Wire) -> None:
    process = await open_gateway()

    wire.cut()
    assert (await process.get()).became == "hit"
    wire.mend()

    await _ended(process)
    await _kept(process)


async def test_an_event_on_kafka_ends_what_is_kept_once_redis_is_there(
    open_gateway: Open, connect: Callable[[], Purges], wire: Wire, servers: Servers, topic_prefix: str
) -> None:
    cluster = Cluster(servers.kafka_bootstrap_servers, topic_prefix, "")
    consumers = Consumers([router], None, Resources([connect()]), cluster)
    process = await open_gateway()

    async with running(consumers), _producer(servers) as producer:
        await _publish(producer, topic_prefix)
        await _ended(process)
        wire.cut()
        await _publish(producer, topic_prefix)
        await asyncio.sleep(0.5)
        wire.mend()
        await _kept(process)

        # What was held while Redis was away is behind; the next one is told as ever.
        await _publish(producer, topic_prefix)
        await _ended(process)


@contextlib.asynccontextmanager
async def _producer(servers: Servers) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=servers.kafka_bootstrap_servers)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def _publish(producer: AIOKafkaProducer, prefix: str) -> None:
    event = CoursePublished(
        course_id=new_id(),
        organization_id=UUID(ORGANIZATION),
        title="Plants",
        language="en",
        lesson_count=1,
        question_count=0,
        published_at=clock.now(),
    )
    headers = an_envelope(event).headers()
    key = event.subject.encode()
    await producer.send_and_wait(prefix + event.topic, event.data(), key=key, headers=headers)
