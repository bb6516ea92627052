"""Two gateways behind nginx are restarted in turn under load, twice: nobody notices."""

import asyncio
import contextlib
import hashlib
import os
import secrets
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from programs import Gateway, gateways

from stoa_common.testing.ports import free_port
from stoa_common.testing.servers import Servers

from . import behind, nginx

PATH = behind.PATH
READERS, WRITERS = 16, 12
ROUNDS = 2
Visit = Callable[[httpx2.AsyncClient], Awaitable[str | None]]


@dataclass
class Visits:
    """Clients that ask again as soon as they are answered, each on a connection that it keeps."""

    url: str
    #: How many answers of each kind were right.
    right: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    _is_over: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        kinds: dict[Visit, int] = {self.read: READERS, self.order: WRITERS, self.download: 2, self.listen: 2}
        visits = [visit for visit, count in kinds.items() for _ in range(count)]
        clients = [asyncio.create_task(self._repeat(visit)) for visit in visits]
        try:
            yield
        finally:
            self._is_over.set()
            await asyncio.gather(*clients)

    async def _repeat(self, visit: Visit) -> None:
        # This library sends nothing a second time by itself.
        async with httpx2.AsyncClient(base_url=self.url, timeout=30) as client:
            while not self._is_over.is_set():
                try:
                    said = await visit(client)
                except httpx2.HTTPError as error:
                    said = repr(error)
                self.right[visit.__name__] += said is None
                self.lost += [] if said is None else [f"{visit.__name__}: {said}"]

    async def read(self, client: httpx2.AsyncClient) -> str | None:
        name = secrets.token_hex(8)
        answer = await client.get(f"{PATH}/things/{name}")
        return wrong(answer, is_right=lambda: answer.json() == {"name": name})

    async def order(self, client: httpx2.AsyncClient) -> str | None:
        name, body = secrets.token_hex(8), os.urandom(100 + secrets.randbelow(100_000))
        self.orders.append(name)
        headers = {"Content-Type": "application/octet-stream"}
        answer = await client.post(f"{PATH}/orders/{name}", content=body, headers=headers)
        told = {"name": name, "sha256": hashlib.sha256(body).hexdigest()}
        return wrong(answer, is_right=lambda: answer.json() == told)

    async def download(self, client: httpx2.AsyncClient) -> str | None:
        answer = await client.get(f"{PATH}/file")
        return wrong(answer, is_right=lambda: answer.content == behind.PIECE * behind.PIECES)

    async def listen(self, client: httpx2.AsyncClient) -> str | None:
        answer = await client.get(f"{PATH}/events")
        return wrong(answer, is_right=lambda: answer.text.count("data: ") == behind.EVENTS)


def wrong(answer: httpx2.Response, *, is_right: Callable[[], bool]) -> str | None:
    """What is wrong with an answer; None where nothing is."""
    if answer.status_code != 200:
        return f"{answer.status_code} {answer.text[:200]}"
    return None if is_right() else "the answer is of something else"


@asynccontextmanager
async def a_service() -> AsyncIterator[str]:
    port = free_port()
    process = await asyncio.create_subprocess_exec(sys.executable, str(Path(behind.__file__)), str(port))
    try:
        async with asyncio.timeout(60), httpx2.AsyncClient() as client:
            while not await _answers(client, f"http://127.0.0.1:{port}/openapi.json"):
                await asyncio.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()


async def _answers(client: httpx2.AsyncClient, url: str) -> bool:
    with contextlib.suppress(httpx2.HTTPError):
        return (await client.get(url)).status_code == 200
    return False


@pytest.fixture
def program() -> str:
    found = nginx.find()
    if found is None:
        pytest.skip(
            "There is no nginx on this machine: install it (on Debian and Ubuntu: apt-get install nginx-light)."
        )
    return found


@pytest.mark.slow
async def test_a_rolling_restart_behind_nginx_loses_no_request(program: str, servers: Servers, tmp_path: Path) -> None:
    variables = {"GATEWAY_LIMITS_SCALE": "0", "GATEWAY_DRAIN_SECONDS": "3"}
    async with a_service() as url:
        pair = {name: Gateway(url, servers.redis_url, **variables) for name in ("a", "b")}
        async with gateways(*pair.values()), nginx.balancer(program, tmp_path, pair) as door:
            visits = Visits(door)
            async with visits.running():
                for gateway in [*pair.values()] * ROUNDS:
                    await asyncio.sleep(2)
                    gateway.leave()
                    assert await gateway.ended() == 0, gateway.output
                    await gateway.start()
        async with httpx2.AsyncClient(base_url=url) as client:
            taken = (await client.get(f"{PATH}/orders")).json()

    assert visits.lost == []
    assert taken == dict.fromkeys(visits.orders, 1)
    assert set(visits.right) == {"read", "order", "download", "listen"}
    assert min(visits.right.values()) >= ROUNDS
    print(f"{dict(visits.right)} right answers, none lost")
