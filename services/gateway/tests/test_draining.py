"""A gateway that is told to end: `/readyz` says so first, and open requests end.

That a rolling restart behind a balancer loses nothing, tests/outages shows.
"""

import asyncio

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
