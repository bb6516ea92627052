"""HEAD is answered wherever GET is."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest_asyncio

from stoa_common.app import create_app
from stoa_common.http import Router, public
from stoa_common.resources import Resources
from stoa_common.security import TokenVerifier
from stoa_common.sse import EventStream, ServerEvent
from stoa_common.testing import Identities
from stoa_common.testing.identities import ISSUER
from stoa_common.testing.serving import a_socket, served, url_of

ended = asyncio.Event()
routes = Router(prefix="/api/v1/sample", tags=["sample"])


@routes.get("/things/{name}", **public())
async def show(name: str) -> dict[str, str]:
    """A thing."""
    return {"name": name}


@routes.post("/orders", **public())
async def order() -> None:
    """Nothing to read here."""


@routes.get("/events", **public())
async def follow() -> EventStream:
    """Events without an end."""
    return EventStream(ticks())


async def ticks() -> AsyncIterator[ServerEvent]:
    try:
        while True:
            yield ServerEvent("tick", 1)
            await asyncio.sleep(0.05)
    finally:
        ended.set()


@pytest_asyncio.fixture(loop_scope="session")
async def client(identities: Identities) -> AsyncIterator[aiohttp.ClientSession]:
    verifier = TokenVerifier(identities, issuer=ISSUER)
    app = create_app(title="sample", routers=[routes], resources=Resources(), verifier=verifier)
    taken = a_socket()
    async with served(app, taken), aiohttp.ClientSession(url_of(taken)) as http:
        yield http


async def test_head_is_answered_like_get_without_the_body(client: aiohttp.ClientSession) -> None:
    told = await client.get("/api/v1/sample/things/chair")
    head = await client.head("/api/v1/sample/things/chair")

    assert head.status == 200
    assert await head.read() == b""
    assert {name: head.headers[name] for name in ("Content-Type", "Content-Length")} == {
        name: told.headers[name] for name in ("Content-Type", "Content-Length")
    }
    assert (await told.json()) == {"name": "chair"}


async def test_head_of_what_has_no_get_is_refused(client: aiohttp.ClientSession) -> None:
    assert (await client.head("/api/v1/sample/orders")).status == 405
    assert (await client.head("/api/v1/sample/nothing")).status == 404


async def test_head_of_a_stream_ends_at_once_and_so_does_its_source(client: aiohttp.ClientSession) -> None:
    ended.clear()

    async with asyncio.timeout(20):
        head = await client.head("/api/v1/sample/events")
        await ended.wait()

    assert head.status == 200
    assert head.headers["Content-Type"].startswith("text/event-stream")


async def test_head_is_counted_for_its_route(client: aiohttp.ClientSession) -> None:
    await client.head("/api/v1/sample/things/chair")

    metrics = await (await client.get("/metrics")).text()
    assert 'method="HEAD",route="/api/v1/sample/things/{name}",status="200"' in metrics
