"""The public tester finds no failure, at a server that it reaches over the network."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest_asyncio
import uvicorn
from fastapi import FastAPI
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import CheckResult, Status, check_server

from .conftest import Doors

FAILED = {Status.ERROR, Status.CRITICAL}


@pytest_asyncio.fixture(loop_scope="session")
async def address(app: FastAPI) -> AsyncIterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(30):
        while not server.started:
            await asyncio.sleep(0.05)
    [listening] = server.servers[0].sockets
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    await serving


async def test_the_public_tester_reports_no_failure(address: str, doors: Doors) -> None:
    # Their own token: a key's would end before the tester does, and the gateway that renews it is not here.
    owner = await doors.newcomer()

    # In a thread: the tester waits for answers that this one gives.
    results = await asyncio.to_thread(_tested, f"{address}/scim/v2", owner.headers)

    wrong = [f"{each.title} ({each.resource_type}): {each.reason}" for each in results if each.status in FAILED]
    assert not wrong, "\n".join(wrong)
    assert sum(each.status is Status.SUCCESS for each in results) > 40


def _tested(url: str, headers: dict[str, str]) -> list[CheckResult]:
    with httpx2.Client(base_url=url, headers=headers, timeout=30) as http:
        return check_server(SyncSCIMClient(http))
