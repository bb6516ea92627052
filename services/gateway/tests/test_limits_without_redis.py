"""While Redis is away each gateway counts alone and says so; when it is back, Redis counts again."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import hiredis
import pytest
import pytest_asyncio
from prometheus_client import REGISTRY
from redis.asyncio import Redis
from structlog.testing import capture_logs

from stoa_common.ids import new_id
from stoa_common.revocation_log import open_redis
from stoa_common.testing.servers import Servers
from stoa_gateway.limits.connection import Address, Connection, RedisIsAway, connect, packed
from stoa_gateway.limits.quotas import QuotaIsExceeded
from stoa_gateway.limits.rates import read_classes
from stoa_gateway.limits.service import Limits, opened

HOME = "198.51.100.7"
LOCALLY = b'"read-address";q=5;w=86400;stoa-local'
SHARED = b'"read-address";q=5;w=86400'


@dataclass
class Wire:
    """A cable to the real Redis that a test can cut, or let fall silent."""

    redis_url: str
    url: str = ""
    is_cut: bool = False
    is_silent: bool = False
    taken: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.close()
            return
        self.taken += 1
        where = urlsplit(self.redis_url)
        back, there = await asyncio.open_connection(where.hostname, where.port)
        self._writers |= {writer, there}
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(self._copy(reader, there), self._copy(back, writer))
        writer.close()
        there.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65_536):
            if not self.is_silent:
                writer.write(piece)
        writer.close()

    def cut(self) -> None:
        self.is_cut = True
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def mend(self) -> None:
        self.is_cut = self.is_silent = False


@pytest_asyncio.fixture(loop_scope="session")
async def wire(servers: Servers) -> AsyncIterator[Wire]:
    wire = Wire(servers.redis_url)
    server = await asyncio.start_server(wire.carry, "127.0.0.1", 0)
    wire.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}{urlsplit(servers.redis_url).path}"
    yield wire
    wire.cut()
    server.close()


@pytest_asyncio.fixture(loop_scope="session")
async def redis(servers: Servers) -> AsyncIterator[Redis]:
    client = open_redis(servers.redis_url, answer_seconds=20)
    yield client
    await client.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def limits(wire: Wire) -> AsyncIterator[Limits]:
    async with limits_at(wire.url) as limits:
        yield limits


def limits_at(url: str, *, answer_seconds: float = 1.0) -> contextlib.AbstractAsyncContextManager[Limits]:
    classes = read_classes({"read": {"address": "5/day"}})
    return opened(url, classes, prefix=f"t{new_id().hex}.", answer_seconds=answer_seconds)


async def connected(url: str) -> Connection:
    connection, _ = await connect(Address.read(url), answer_seconds=20)
    return connection


async def policy_told(limits: Limits) -> bytes:
    return dict((await limits.take("read", address=HOME)).headers)[b"ratelimit-policy"]


async def until_shared(limits: Limits) -> None:
    """As long as a busy machine may take to connect again."""
    async with asyncio.timeout(60):
        while await policy_told_or_none(limits) != SHARED:
            await asyncio.sleep(0.2)


async def policy_told_or_none(limits: Limits) -> bytes | None:
    try:
        return await policy_told(limits)
    except QuotaIsExceeded as refused:
        return refused.headers["RateLimit-Policy"].encode()


def is_local() -> bool:
    return REGISTRY.get_sample_value("stoa_gateway_limits_local") == 1


async def test_with_redis_the_counts_are_shared(limits: Limits) -> None:
    assert await policy_told(limits) == SHARED
    assert not is_local()


async def test_without_redis_a_gateway_counts_alone_and_says_so(wire: Wire, limits: Limits) -> None:
    wire.cut()

    told = [await policy_told_or_none(limits) for _ in range(20)]
    with pytest.raises(QuotaIsExceeded) as refused:
        await limits.take("read", address=HOME)

    assert told[-1] == LOCALLY
    assert is_local()
    assert int(refused.value.headers["Retry-After"]) > 0


async def test_a_redis_that_is_away_from_the_start_stops_nobody(wire: Wire) -> None:
    wire.cut()

    async with limits_at(wire.url) as limits:
        taken = [await policy_told_or_none(limits) for _ in range(6)]
        with pytest.raises(QuotaIsExceeded):
            await limits.take("read", address=HOME)

    assert set(taken) == {LOCALLY}


async def test_a_silent_redis_is_left_alone_after_one_wait(wire: Wire, limits: Limits) -> None:
    await policy_told(limits)
    wire.is_silent = True

    async with asyncio.timeout(30):
        told = await asyncio.gather(*(policy_told_or_none(limits) for _ in range(20)))

    assert set(told) == {LOCALLY}
    assert is_local()


async def test_when_redis_is_back_it_counts_again(wire: Wire, limits: Limits) -> None:
    wire.cut()
    await policy_told_or_none(limits)

    wire.mend()
    await until_shared(limits)

    assert not is_local()


async def test_the_log_tells_each_change_once(wire: Wire, limits: Limits) -> None:
    with capture_logs() as logged:
        wire.is_silent = True
        for _ in range(3):
            await asyncio.gather(*(policy_told_or_none(limits) for _ in range(10)))
        wire.cut()
        # Longer than the rest, so that it has been tried again in vain.
        await asyncio.sleep(2.5)
        wire.mend()
        await until_shared(limits)

    told = [entry["event"] for entry in logged if entry["event"].startswith("limits_")]
    assert told == ["limits_counted_locally", "limits_counted_in_redis"]


async def test_a_loop_that_stood_still_does_not_take_redis_for_dead(servers: Servers) -> None:
    async with limits_at(servers.redis_url, answer_seconds=0.05) as limits:
        await until_shared(limits)
        asking = asyncio.create_task(policy_told(limits))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        time.sleep(1)  # noqa: ASYNC251  # the loop stands still

        assert await asking == SHARED


async def test_what_is_no_redis_is_not_believed() -> None:
    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server, limits_at(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0") as limits:
        assert await policy_told(limits) == LOCALLY


async def test_a_redis_that_lets_nobody_in_does_not_count(servers: Servers) -> None:
    async with limits_at(servers.redis_url.replace("redis://", "redis://nobody:wrong@")) as limits:
        assert await policy_told(limits) == LOCALLY


async def test_a_redis_that_refuses_to_write_does_not_count(servers: Servers, redis: Redis) -> None:
    """As one does that is full, or a replica."""
    reader = f"t{new_id().hex}"
    rights = ("on", ">secret", "~*", "+@read", "+time", "+eval", "+evalsha")
    await redis.execute_command("ACL", "SETUSER", reader, *rights)  # type: ignore[no-untyped-call]  # redis-py's
    try:
        async with limits_at(servers.redis_url.replace("redis://", f"redis://{reader}:secret@")) as limits:
            assert await policy_told(limits) == LOCALLY
    finally:
        await redis.execute_command("ACL", "DELUSER", reader)  # type: ignore[no-untyped-call]  # redis-py's


async def test_a_lost_connection_refuses_at_once(wire: Wire) -> None:
    connection = await connected(wire.url)
    assert await connection.ask(packed("PING")) == b"PONG"

    connection.give_up("silent")

    with pytest.raises(RedisIsAway):
        await connection.ask(packed("PING"))


async def test_replies_come_to_those_who_asked(servers: Servers) -> None:
    connection = await connected(servers.redis_url)

    replies = await asyncio.gather(*(connection.ask(packed("ECHO", str(at))) for at in range(500)))
    wrong = await connection.ask(packed("NONSENSE"))

    assert replies == [b"%d" % at for at in range(500)]
    assert isinstance(wrong, hiredis.ReplyError)
    connection.give_up("closed")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://cache:7000/3", {"host": "cache", "port": 7000, "database": 3, "password": None}),
        ("redis://:secret@cache", {"port": 6379, "name": None, "password": "secret"}),
        ("redis://me:secret@cache/0", {"name": "me", "password": "secret", "database": 0}),
        ("unix:///run/valkey.sock?db=2", {"path": "/run/valkey.sock", "database": 2}),
    ],
)
def test_addresses_are_read_as_everywhere_else(url: str, expected: dict[str, Any]) -> None:
    address = Address.read(url)

    assert {name: getattr(address, name) for name in expected} == expected
    assert address.tls is None


def test_an_address_with_tls_checks_who_answers() -> None:
    address = Address.read("rediss://cache/0")

    assert address.tls is not None
    assert address.tls.check_hostname


def test_one_logs_in_before_choosing_a_database() -> None:
    address = Address.read("redis://me:secret@cache/3")

    assert address.greeting() == [("AUTH", "me", "secret"), ("SELECT", 3)]
