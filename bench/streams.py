"""What open streams cost: `python -m bench.streams [--connections N] [--json] [--redis URL]`.

One gateway process (`stoa-gateway api`) and so many clients of `/api/v1/stream`, each another person of one
organization. Measured: the gateway's memory before and with them, how long an event that concerns all of them takes
from Redis to the last client, and what an idle quarter of a minute costs.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web
from joserfc.jwk import KeySet

from bench.counting_on_redis import add_redis, parse
from bench.gateway import process as measured
from stoa_common.ids import new_id
from stoa_common.revocation_log import RedisLog, open_redis
from stoa_common.revocations import Extract
from stoa_common.testing.identities import ISSUER, Identities
from stoa_devkit.ports import free_port
from stoa_gateway.streams import provider
from stoa_gateway.streams.domain import Message
from stoa_gateway.streams.provider import StreamLog

CONNECTIONS = 2_000
OPENING = 64
EVENTS = 5
IDLE_SECONDS = 16.0
LONGEST_SECONDS = 120.0
#: At ten thousand connections.
LIMITS = {"rss_mb": 300.0, "event_seconds": 2.0}
NOWHERE = "http://127.0.0.1:9"
Figures = dict[str, float]


@dataclass
class Crowd:
    """The clients of one gateway: how many have begun, were told of the event at hand, and were dropped."""

    begun: int = 0
    told: int = 0
    lost: int = 0
    mark: bytes = b"-"
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, name: str, count: int) -> None:
        async with asyncio.timeout(LONGEST_SECONDS):
            while getattr(self, name) < count:
                self.changed.clear()
                await self.changed.wait()


class Client(asyncio.Protocol):
    """Reads one stream, and keeps nothing of it."""

    __slots__ = ("_crowd", "_has_begun")

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._has_begun = False

    def data_received(self, data: bytes) -> None:
        if not self._has_begun and b"\nid: " in data:
            self._has_begun = True
            self._crowd.begun += 1
        if self._crowd.mark in data:
            self._crowd.told += 1
        self._crowd.changed.set()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002  # the protocol's
        self._crowd.lost += 1


@dataclass
class Gateway:
    """The process that is measured."""

    port: int
    process: "subprocess.Popen[bytes]"
    source: StreamLog
    #: Its variables, for services that are to stand behind it.
    environment: Mapping[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def rss_mb(self) -> float:
        return measured.rss_mb(self.process.pid)

    def cpu_seconds(self) -> float:
        return measured.cpu_seconds(self.process.pid)


async def measure(redis_url: str, *, connections: int) -> Figures:
    """The figures by name."""
    identities, organization_id = Identities(), new_id()
    told = {"GATEWAY_STREAMS_MOST": str(connections + 100), "LOG_LEVEL": "warning"}
    async with a_gateway(redis_url, identities, told=told) as gateway:
        crowd = Crowd()
        await _open(gateway, crowd, identities, organization_id, count=20)
        empty = gateway.rss_mb()
        began = time.perf_counter()
        await _open(gateway, crowd, identities, organization_id, count=connections)
        opened = time.perf_counter() - began
        took = [await _event(gateway, crowd, organization_id) for _ in range(EVENTS)]
        cpu, began = gateway.cpu_seconds(), time.perf_counter()
        await asyncio.sleep(IDLE_SECONDS)
        idle = (gateway.cpu_seconds() - cpu) / (time.perf_counter() - began)
        full = gateway.rss_mb()
        return {
            "connections": crowd.begun,
            "dropped": crowd.lost,
            "opened_per_second": connections / opened,
            "rss_before_mb": empty,
            "rss_mb": full,
            "kb_per_connection": (full - empty) * 1024 / connections,
            "rss_at_10000_mb": empty + (full - empty) / connections * 10_000,
            "event_seconds": statistics.median(took),
            "event_seconds_max": max(took),
            "idle_cpu_percent": idle * 100,
        }


async def _open(gateway: Gateway, crowd: Crowd, identities: Identities, organization_id: Any, *, count: int) -> None:
    loop, places = asyncio.get_running_loop(), asyncio.Semaphore(OPENING)
    wanted = crowd.begun + count

    async def one() -> None:
        token = identities.token(identities.principal("learner", organization_id=organization_id), exp=2**31)
        async with places:
            transport, _ = await loop.create_connection(lambda: Client(crowd), "127.0.0.1", gateway.port)
            lines = ["GET /api/v1/stream HTTP/1.1", "Host: bench", "Accept: text/event-stream"]
            transport.write("\r\n".join([*lines, f"Authorization: Bearer {token}", "", ""]).encode())
            # The next begins when this one is through, nearly: a thousand at once would measure the listening queue.
            await asyncio.sleep(0.01)

    await asyncio.gather(*(one() for _ in range(count)))
    await crowd.until("begun", wanted)


async def _event(gateway: Gateway, crowd: Crowd, organization_id: Any) -> float:
    event_id = new_id()
    crowd.told, crowd.mark = 0, str(event_id).encode()
    body = json.dumps({"id": str(event_id), "data": {"course_id": str(new_id())}})
    kind = "stoa.content.course.published.v1"
    began = time.perf_counter()
    await gateway.source.write([Message(event_id, kind, None, organization_id, "course:read", body)])
    await crowd.until("told", crowd.begun)
    return time.perf_counter() - began


@asynccontextmanager
async def a_gateway(
    redis_url: str, identities: Identities, *, told: Mapping[str, str], log: Path | None = None
) -> AsyncIterator[Gateway]:
    """A gateway behind which no service stands unless it is told of one, with an auth that tells it the keys."""
    prefix, port, auth_port = f"bench{new_id().hex}.", free_port(), free_port()
    redis = open_redis(redis_url)
    await RedisLog(redis, prefix=prefix, marker_seconds=3600).append(Extract(1, []), after=None)
    environment = {
        **os.environ,
        **{f"{name}_URL": NOWHERE for name in ("AUTH", "CONTENT", "AI", "ANALYTICS", "FEED")},
        "REDIS_URL": redis_url,
        "KAFKA_TOPIC_PREFIX": prefix,
        "AUTH_JWKS_URL": f"http://127.0.0.1:{auth_port}/.well-known/jwks.json",
        "STOA_ISSUER": ISSUER,
        "GATEWAY_PORT": str(port),
        "STOA_GATEWAY_PORT": str(port),
        **told,
    }
    program = str(Path(sys.executable).with_name("stoa-gateway"))
    async with (
        _auth(identities, auth_port),
        provider.opened(redis_url, prefix=prefix, kept_seconds=600, most=100) as source,
    ):
        with open(log, "wb") if log else nullcontext(sys.stderr) as output:  # noqa: ASYNC230  # nobody else runs here yet
            process = subprocess.Popen([program, "api"], env=environment, stdout=output)  # noqa: ASYNC220  # nor here
        try:
            await _until_listening(port)
            yield Gateway(port, process, source, environment)
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait, 60)
            await redis.delete(*[key async for key in redis.scan_iter(f"{prefix}*")])
            await redis.aclose()


@asynccontextmanager
async def _auth(identities: Identities, port: int) -> AsyncIterator[None]:
    async def keys(_: web.Request) -> web.Response:
        return web.json_response(KeySet([identities.key]).as_dict(private=False))

    app = web.Application()
    app.router.add_get("/.well-known/jwks.json", keys)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield
    await runner.cleanup()


async def _until_listening(port: int) -> None:
    async with asyncio.timeout(LONGEST_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                # Its reader of Redis has begun by then.
                await asyncio.sleep(1)
                return


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.streams", description="Measure what open streams cost.")
    parser.add_argument("--connections", type=int, default=CONNECTIONS, help=f"how many clients ({CONNECTIONS})")
    parser.add_argument("--json", action="store_true", help="One JSON object, for programs.")
    add_redis(parser)
    asked = parse(parser)
    found = uvloop.run(measure(asked.redis, connections=asked.connections))
    if asked.json:
        print(json.dumps({**found, "limits": LIMITS}))
        return
    for name, value in found.items():
        print(f"{name.replace('_', ' '):<24}{value:>12.2f}")


if __name__ == "__main__":
    main()
