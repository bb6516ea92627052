"""Public reads through a running gateway: kept here, whatever the client's encoding, cookie or method."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from fastapi import FastAPI, Request, Response

from stoa_common.app import create_app
from stoa_common.http import Router, public
from stoa_common.ids import new_id
from stoa_common.resources import Resources
from stoa_common.security import TokenVerifier
from stoa_common.service import Service
from stoa_common.settings import ServiceSettings
from stoa_common.testing import Identities
from stoa_common.testing.identities import ISSUER


@dataclass
class Catalog:
    """The content service, as far as everybody may read it."""

    asked: list[dict[str, str]] = field(default_factory=list)

    def app(self, verifier: TokenVerifier) -> FastAPI:
        routes = Router(prefix="/api/v1/content/public", tags=["public catalog"])

        @routes.get("/{organization_id}", **public())
        async def list_courses(organization_id: str, request: Request) -> Response:
            """Say who asks."""
            self.asked.append(dict(request.headers))
            headers = {"Cache-Control": "public, max-age=30", "ETag": '"one"'}
            return Response(organization_id, headers=headers, media_type="text/plain")

        return create_app(title="content", routers=[routes], resources=Resources(), verifier=verifier)


@pytest.fixture
def catalog() -> Catalog:
    return Catalog()


@pytest_asyncio.fixture(loop_scope="session")
async def http(
    service: Service, settings: ServiceSettings, identities: Identities, catalog: Catalog, served: Any, bound: Any
) -> AsyncIterator[aiohttp.ClientSession]:
    verifier = TokenVerifier(identities, issuer=ISSUER)
    (content_socket, content_url), (gateway_socket, gateway_url) = bound(), bound()
    # The policies that come with the gateway.
    chosen = settings.model_copy(update={"content_url": content_url, "policies": ""})
    assert service.resources is not None
    async with served(catalog.app(verifier), content_socket), service.resources(chosen) as opened:
        app = service.build_app(Resources([chosen, *opened]), verifier, None)
        async with served(app, gateway_socket), aiohttp.ClientSession(gateway_url) as http:
            await _kept(http)
            catalog.asked.clear()
            yield http


async def _kept(http: aiohttp.ClientSession) -> None:
    """Returns when answers stay: who begins to follow the purges forgets what it has once more."""
    hits = 0
    async with asyncio.timeout(20):
        while hits < 5:
            answer = await http.get("/api/v1/content/public/warm")
            hits = hits + 1 if "hit" in answer.headers.get("Cache-Status", "") else 0
            await asyncio.sleep(0.1)


@pytest.fixture
def path() -> str:
    """Nobody else's catalog."""
    return f"/api/v1/content/public/{new_id()}"


async def test_a_public_read_is_answered_from_memory(http: aiohttp.ClientSession, catalog: Catalog, path: str) -> None:
    first, second = await http.get(path), await http.get(path)
    head = await http.head(path)

    assert await first.text() == await second.text()
    assert second.headers["Cache-Status"].startswith("stoa; hit; ttl=")
    assert "Age" in second.headers
    assert (head.headers["ETag"], head.headers["Content-Length"]) == ('"one"', second.headers["Content-Length"])
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]
    assert len(catalog.asked) == 1


async def test_who_has_it_gets_304(http: aiohttp.ClientSession, path: str) -> None:
    tag = (await http.get(path)).headers["ETag"]

    again = await http.get(path, headers={"If-None-Match": tag})

    assert (again.status, await again.read()) == (304, b"")


async def test_what_others_get_was_not_asked_for_in_anybodys_name(
    http: aiohttp.ClientSession, catalog: Catalog, path: str
) -> None:
    await http.get(path, headers={"User-Agent": "mine", "Accept-Language": "de", "X-Anything": "evil"})

    (asked,) = catalog.asked
    assert asked["accept-language"] == "de"
    assert not asked.keys() & {"user-agent", "x-anything", "x-forwarded-for", "x-forwarded-host", "cookie"}


async def test_who_shows_a_token_is_answered_by_the_service(
    http: aiohttp.ClientSession, catalog: Catalog, identities: Identities, path: str
) -> None:
    headers = identities.headers(identities.principal("learner"))
    await http.get(path)

    answers = [await http.get(path, headers=headers) for _ in range(2)]

    assert [answer.headers["Cache-Status"] for answer in answers] == ["stoa; fwd=bypass"] * 2
    assert len(catalog.asked) == 3
