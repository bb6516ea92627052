"""How soon an event ends kept answers: `stoa with-servers -- python -m bench.purges [--count N] [--json]`.

One gateway process with both roles, in front of a catalog that answers what it was set to last. Each time the catalog
changes, `stoa.content.course.published.v1` goes to Kafka, and the gateway is asked every few milliseconds until its
answer, which it had kept, is the new one: Kafka, the consumer, Redis, the reader and the catalog lie between.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

import aiohttp
from aiohttp import web
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from bench.counting_on_redis import add_redis, parse
from stoa_common import clock
from stoa_common.ids import new_id
from stoa_common.messaging.kafka import Cluster, new_producer
from stoa_common.settings import read_variable
from stoa_common.testing.delivery import an_envelope
from stoa_common.topics import make_all
from stoa_devkit.ports import free_port
from stoa_events.contracts import CoursePublished
from stoa_gateway.caching.provider import open_redis

PATH: Final = "/api/v1/content/public"
EVERY_SECONDS: Final = 0.005
LONGEST_SECONDS: Final = 60.0
#: Of the slowest.
LIMIT_SECONDS: Final = 1.0
_OPERATION: Final = {"x-public": True, "responses": {"200": {"description": "ok"}}}
_PATHS: Final = {f"{PATH}/{{organization_id}}": {"get": _OPERATION}}


class Catalog:
    """The content service, as far as the gateway needs it."""

    def __init__(self) -> None:
        self.version = 0

    async def document(self, _: web.Request) -> web.Response:
        return web.json_response({"openapi": "3.1.0", "info": {"title": "content", "version": "1"}, "paths": _PATHS})

    async def answer(self, _: web.Request) -> web.Response:
        return web.json_response({"version": self.version}, headers={"Cache-Control": "public, max-age=600"})


class Bench:
    """The gateway's client, and who publishes."""

    def __init__(self, http: aiohttp.ClientSession, producer: AIOKafkaProducer, catalog: Catalog, prefix: str) -> None:
        self._http, self._producer, self._catalog, self._prefix = http, producer, catalog, prefix
        self._organization_id: UUID = new_id()

    async def purge(self) -> float:
        """Seconds from the event's publication to the first answer that shows it."""
        await self._until_kept()
        self._catalog.version += 1
        began = time.perf_counter()
        await self._publish()
        await self._until(lambda version, _: version == self._catalog.version)
        return time.perf_counter() - began

    async def _until_kept(self) -> None:
        await self._until(lambda _, status: "hit" in status)

    async def _until(self, is_there: Callable[[int, str], bool]) -> None:
        async with asyncio.timeout(LONGEST_SECONDS):
            while True:
                if is_there(*await self._get()):
                    return
                await asyncio.sleep(EVERY_SECONDS)

    async def _get(self) -> tuple[int, str]:
        async with self._http.get(f"{PATH}/{self._organization_id}") as answer:
            answer.raise_for_status()
            return (await answer.json())["version"], answer.headers["Cache-Status"]

    async def _publish(self) -> None:
        event = CoursePublished(
            course_id=new_id(),
            organization_id=self._organization_id,
            title="Plants",
            language="en",
            lesson_count=1,
            question_count=0,
            published_at=clock.now(),
        )
        headers, key = an_envelope(event).headers(), event.subject.encode()
        await self._producer.send_and_wait(self._prefix + event.topic, event.data(), key=key, headers=headers)


async def measure(redis_url: str, bootstrap: str, *, count: int) -> dict[str, float]:
    """The figures by name."""
    catalog = Catalog()
    async with (
        _platform(redis_url, bootstrap) as prefix,
        _producing(Cluster(bootstrap, prefix)) as producer,
        _served(catalog) as content_url,
        _gateway(content_url, redis_url, bootstrap, prefix) as url,
        aiohttp.ClientSession(url) as http,
    ):
        bench = Bench(http, producer, catalog, prefix)
        # The consumer joins its group meanwhile.
        await bench.purge()
        took = sorted([await bench.purge() for _ in range(count)])
    return {"events": count, "seconds": statistics.median(took), "seconds_max": took[-1]}


@asynccontextmanager
async def _platform(redis_url: str, bootstrap: str) -> AsyncIterator[str]:
    """The prefix of topics and keys that are gone afterwards."""
    prefix = f"bench{new_id().hex}."
    await make_all(bootstrap, prefix=prefix, partitions=3)
    try:
        yield prefix
    finally:
        admin, redis = AIOKafkaAdminClient(bootstrap_servers=bootstrap), open_redis(redis_url)
        await admin.start()
        await admin.delete_topics([topic for topic in await admin.list_topics() if topic.startswith(prefix)])
        await admin.close()
        if keys := [key async for key in redis.scan_iter(f"{prefix}*")]:
            await redis.delete(*keys)
        await redis.aclose()


@asynccontextmanager
async def _producing(cluster: Cluster) -> AsyncIterator[AIOKafkaProducer]:
    producer = new_producer(cluster)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@asynccontextmanager
async def _served(catalog: Catalog) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/openapi.json", catalog.document)
    app.router.add_get(PATH + "/{organization_id}", catalog.answer)
    runner, port = web.AppRunner(app), free_port()
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _gateway(content_url: str, redis_url: str, bootstrap: str, prefix: str) -> AsyncIterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    told = {"CONTENT_URL": content_url, "REDIS_URL": redis_url, "KAFKA_BOOTSTRAP_SERVERS": bootstrap}
    told |= {"KAFKA_TOPIC_PREFIX": prefix, "STOA_GATEWAY_PORT": str(port), "LOG_LEVEL": "warning"}
    program = Path(sys.executable).with_name("stoa-gateway")
    with subprocess.Popen([program, "api", "consumer"], env={**os.environ, **told}) as process:  # noqa: ASYNC220  # first
        try:
            await _until_ready(url)
            yield url
        finally:
            process.terminate()


async def _until_ready(url: str) -> None:
    async with asyncio.timeout(LONGEST_SECONDS), aiohttp.ClientSession(url) as http:
        while True:
            try:
                async with http.get("/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.purges", description="Measure how soon events end answers.")
    parser.add_argument("--count", type=int, default=20, help="how many events (20)")
    parser.add_argument("--json", action="store_true", help="One JSON object, for programs.")
    add_redis(parser)
    asked = parse(parser)
    bootstrap = read_variable("STOA_TEST_KAFKA_BOOTSTRAP_SERVERS") or "127.0.0.1:9092"
    found = asyncio.run(measure(asked.redis, bootstrap, count=asked.count))
    if asked.json:
        print(json.dumps({**found, "limits": {"seconds_max": LIMIT_SECONDS}}))
        return
    for name, value in found.items():
        print(f"{name.replace('_', ' '):<16}{value:>8.3f}")


if __name__ == "__main__":
    main()
