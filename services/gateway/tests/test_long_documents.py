"""A service's document is read to its end, however many pieces it comes in."""

import asyncio

import aiohttp
import orjson
import pytest
from aiohttp import web

from stoa_gateway.routing import provider
from stoa_gateway.routing.provider import DocumentIsMissing, fetch_document

PATHS = {f"/api/v1/content/things/{number}": {"get": {"summary": "x" * 200}} for number in range(2000)}
DOCUMENT = {"openapi": "3.1.0", "info": {"title": "Content", "version": "1"}, "paths": PATHS}


async def _answer(request: web.Request) -> web.StreamResponse:
    body, answer = orjson.dumps(DOCUMENT), web.StreamResponse()
    await answer.prepare(request)
    for start in range(0, len(body), 100_000):
        await answer.write(body[start : start + 100_000])
        await asyncio.sleep(0.01)
    return answer


async def _fetched() -> object:
    app = web.Application()
    app.router.add_get("/openapi.json", _answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with aiohttp.ClientSession() as session:
            return await fetch_document(session, f"http://127.0.0.1:{port}")
    finally:
        await runner.cleanup()


async def test_a_document_that_comes_in_pieces_is_read_whole() -> None:
    assert await _fetched() == DOCUMENT


async def test_an_endless_one_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "_LIMIT_BYTES", 150_000)

    with pytest.raises(DocumentIsMissing, match="more than"):
        await _fetched()
