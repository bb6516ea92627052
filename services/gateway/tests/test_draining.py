"""A gateway that is told to end: `/readyz` says so first, open requests end, and a rolling restart loses nothing."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from stoa_common.testing.servers import Servers

from .programs import Gateway, gateways, problem, running

QUICK, SLOW = "/api/v1/content/quick", "/api/v1/content/slow"


async def test_a_gateway_that_leaves_says_so_first_and_answers_what_is_open(servers: Servers) -> None:
    async with running() as program:
        gateway = Gateway(program.url, servers.redis_url, GATEWAY_DRAIN_SECONDS="2", GATEWAY_FINISH_SECONDS="20")
        async with gateways(gateway), aiohttp.ClientSession(gateway.url) as client:
            open_one = asyncio.create_task(client.get(f"{SLOW}?4"))
            await asyncio.sleep(0.5)
            gateway.leave()
            await asyncio.sleep(0.5)

            readiness = await gateway.readiness(client)
            late = await client.get(QUICK)
            answer = await open_one
            code = await gateway.ended()
            with pytest.raises(aiohttp.ClientConnectorError):
                await client.get(QUICK)

    assert readiness == 503
    assert (late.status, late.headers["Connection"]) == (200, "close")
    assert answer.status == 200
    assert code == 0, gateway.output
    assert "Traceback" not in gateway.output


async def test_what_does_not_end_is_cut_when_its_time_is_over(servers: Servers) -> None:
    async with running() as program:
        gateway = Gateway(program.url, servers.redis_url, GATEWAY_DRAIN_SECONDS="0", GATEWAY_FINISH_SECONDS="1")
        async with gateways(gateway), aiohttp.ClientSession(gateway.url) as client:
            open_one = asyncio.create_task(client.get(f"{SLOW}?50"))
            await asyncio.sleep(0.5)

            gateway.leave()
            code = await gateway.ended()
            answer = await open_one
            told = await problem(answer)

    assert (answer.status, told) == (503, "process-ends")
    assert answer.headers["Retry-After"]
    assert code == 0, gateway.output
    assert "Traceback" not in gateway.output


@dataclass
class Balancer:
    """Sends each request to a gateway that was ready when it last asked, on connections that are kept."""

    gateways: list[Gateway]
    ready: list[Gateway] = field(default_factory=list)
    turn: int = 0

    async def follow(self, client: aiohttp.ClientSession) -> None:
        while True:
            self.ready = [each for each in self.gateways if await each.readiness(client) == 200] or self.ready
            await asyncio.sleep(0.2)

    async def send(self, client: aiohttp.ClientSession, path: str) -> int:
        self.turn += 1
        gateway = self.ready[self.turn % len(self.ready)]
        async with client.get(gateway.url + path) as answer:
            await answer.read()
            return answer.status


async def load(balancer: Balancer, client: aiohttp.ClientSession, seen: list[Any], over: asyncio.Event) -> None:
    while not over.is_set():
        try:
            seen.append(await balancer.send(client, f"{SLOW}?0.05"))
        except aiohttp.ClientError as error:
            seen.append(repr(error))


async def test_a_rolling_restart_behind_a_balancer_loses_no_request(servers: Servers) -> None:
    seen: list[Any] = []
    over = asyncio.Event()
    async with running() as program:
        pair = [Gateway(program.url, servers.redis_url, GATEWAY_DRAIN_SECONDS="2") for _ in range(2)]
        async with gateways(*pair), aiohttp.ClientSession() as client, aiohttp.ClientSession() as asking:
            balancer = Balancer(pair, ready=list(pair))
            following = asyncio.create_task(balancer.follow(asking))
            clients = [asyncio.create_task(load(balancer, client, seen, over)) for _ in range(8)]
            for gateway in pair:
                gateway.leave()
                assert await gateway.ended() == 0, gateway.output
                await gateway.start()
                await asyncio.sleep(1)
            over.set()
            await asyncio.gather(*clients)
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following

    assert set(seen) == {200}
    assert len(seen) > 100
