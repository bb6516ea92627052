"""CORS by organization: pages of a listed origin ask and read for that organization, and for no other."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import aiohttp
import orjson
import pytest_asyncio
from fastapi import FastAPI, Header, Response

from stoa_common.ids import new_id
from stoa_common.resources import Resources
from stoa_common.security import Principal, TokenVerifier
from stoa_common.service import Service
from stoa_common.settings import ServiceSettings
from stoa_common.testing import Identities
from stoa_common.testing.identities import ISSUER
from stoa_gateway.origins.service import AllowedOrigins

MINE = "/api/v1/content/mine"
OPEN = "/api/v1/content/echo/x"
#: Of the operator, in STOA_CORS_ORIGINS.
EVERYWHERE = "https://learn.example"
OURS = "https://ours.example"
THEIRS = "https://theirs.example"
ALLOWED = "Access-Control-Allow-Origin"


@dataclass
class Auth:
    """The auth service, as far as it tells origins."""

    lists: dict[UUID, list[str]] = field(default_factory=dict)
    version: int = 0
    is_away: bool = False
    answered_in_full: int = 0

    def list_(self, organization: UUID, *origins: str) -> None:
        self.lists[organization] = list(origins)
        self.version += 1

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/internal/origins", response_model=None)
        async def tell(if_none_match: str = Header("")) -> Response:
            etag = f'"{self.version}"'
            if self.is_away:
                return Response(status_code=503)
            if if_none_match == etag:
                return Response(status_code=304)
            self.answered_in_full += 1
            told = [{"organization_id": str(one), "origins": origins} for one, origins in self.lists.items()]
            return Response(orjson.dumps({"organizations": told}), headers={"ETag": etag})

        return app


@dataclass
class World:
    """A gateway, the auth that it asks, and two organizations that each list an origin."""

    http: aiohttp.ClientSession
    auth: Auth
    origins: AllowedOrigins
    ours: Principal
    theirs: Principal
    identities: Identities

    async def ask(self, origin: str, who: Principal | None = None, path: str = MINE) -> aiohttp.ClientResponse:
        token = self.identities.headers(who) if who else {}
        return await self.http.get(path, headers={"Origin": origin, **token})

    async def preflight(self, origin: str) -> aiohttp.ClientResponse:
        asking = {"Origin": origin, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-test"}
        return await self.http.options(MINE, headers=asking)


@pytest_asyncio.fixture(loop_scope="session")
async def world(
    service: Service, settings: ServiceSettings, identities: Identities, url: str, served: Any, bound: Any
) -> AsyncIterator[World]:
    auth, ours, theirs = Auth(), identities.principal(), identities.principal()
    auth.list_(ours.organization_id, OURS)
    auth.list_(theirs.organization_id, THEIRS)
    (auth_socket, auth_url), (gateway_socket, gateway_url) = bound(), bound()
    changed = settings.model_copy(update={"auth_url": auth_url})
    assert service.resources is not None
    async with served(auth.app(), auth_socket), service.resources(changed) as items:
        resources = Resources([changed, *items])
        app = service.build_app(resources, TokenVerifier(identities, issuer=ISSUER), None)
        origins = resources.get(AllowedOrigins)
        await origins.refresh()
        async with served(app, gateway_socket), aiohttp.ClientSession(gateway_url) as http:
            await http.get(OPEN)
            yield World(http, auth, origins, ours, theirs, identities)


async def test_a_page_that_any_organization_lists_may_ask_first(world: World) -> None:
    answers = {origin: await world.preflight(origin) for origin in (OURS, THEIRS, EVERYWHERE, "https://evil.example")}

    assert {origin: answer.status for origin, answer in answers.items()} == {
        OURS: 200, THEIRS: 200, EVERYWHERE: 200, "https://evil.example": 400,
    }  # fmt: skip
    assert answers[OURS].headers[ALLOWED] == OURS
    assert answers[OURS].headers["Access-Control-Allow-Headers"] == "x-test"
    assert ALLOWED not in answers["https://evil.example"].headers


async def test_a_page_reads_the_data_of_an_organization_that_lists_it(world: World) -> None:
    answer = await world.ask(OURS, world.ours)

    assert (answer.status, answer.headers[ALLOWED]) == (200, OURS)
    assert "RateLimit" in answer.headers["Access-Control-Expose-Headers"]
    assert "Origin" in answer.headers["Vary"]


async def test_a_page_of_one_organization_does_not_ask_for_anothers_data(world: World) -> None:
    answer = await world.ask(THEIRS, world.ours)

    assert answer.status == 403
    assert (await answer.json(content_type=None))["type"] == "urn:stoa:problem:origin-is-foreign"
    assert ALLOWED not in answer.headers


async def test_a_page_of_the_operators_reads_for_everybody(world: World) -> None:
    for who in (world.ours, world.theirs):
        answer = await world.ask(EVERYWHERE, who)

        assert (answer.status, answer.headers[ALLOWED]) == (200, EVERYWHERE)


async def test_an_operator_acts_for_no_organization_that_lists_a_page(world: World) -> None:
    answer = await world.ask(OURS, world.identities.principal("operator"))

    assert answer.status == 403
    assert ALLOWED not in answer.headers


async def test_a_page_that_nobody_lists_reads_nothing(world: World) -> None:
    answer = await world.ask("https://evil.example", world.ours)

    assert answer.status == 200
    assert ALLOWED not in answer.headers


async def test_a_program_that_says_no_origin_is_no_page(world: World) -> None:
    answer = await world.http.get(MINE, headers=world.identities.headers(world.ours))

    assert answer.status == 200
    assert ALLOWED not in answer.headers


async def test_public_routes_are_for_the_operators_pages(world: World) -> None:
    answers = {origin: await world.ask(origin, path=OPEN) for origin in (OURS, EVERYWHERE)}

    assert {origin: answer.status for origin, answer in answers.items()} == {OURS: 200, EVERYWHERE: 200}
    assert ALLOWED not in answers[OURS].headers
    assert answers[EVERYWHERE].headers[ALLOWED] == EVERYWHERE


async def test_a_listed_page_reads_why_it_was_refused(world: World) -> None:
    """That a token has expired, say: it tells nobody's data."""
    answer = await world.ask(OURS)

    assert (answer.status, answer.headers[ALLOWED]) == (401, OURS)


async def test_a_change_counts_after_the_next_look(world: World) -> None:
    world.auth.list_(world.ours.organization_id, "https://new.example")
    await world.origins.refresh()

    old, new = await world.ask(OURS, world.ours), await world.ask("https://new.example", world.ours)

    assert ALLOWED not in old.headers
    assert new.headers[ALLOWED] == "https://new.example"
    assert (await world.preflight(OURS)).status == 400


async def test_while_auth_is_away_what_it_told_last_counts(world: World) -> None:
    world.auth.is_away = True
    await world.origins.refresh()

    assert (await world.ask(OURS, world.ours)).headers[ALLOWED] == OURS
    assert (await world.ask(THEIRS, world.ours)).status == 403


async def test_what_has_not_changed_is_not_sent_again(world: World) -> None:
    before = world.auth.answered_in_full

    for _ in range(3):
        await world.origins.refresh()

    assert world.auth.answered_in_full == before


async def test_an_organization_that_lists_nothing_has_no_pages(world: World) -> None:
    stranger = world.identities.principal(organization_id=new_id())

    assert (await world.ask(OURS, stranger)).status == 403
