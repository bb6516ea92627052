"""Two gateways as processes of their own count as one: what passes through both together is what one would let pass."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import http_sf
import pytest_asyncio
from fastapi import FastAPI, Request

from stoa_common import api_keys
from stoa_common.app import create_app
from stoa_common.http import Router, public
from stoa_common.ids import new_id
from stoa_common.resources import Resources
from stoa_common.revocation_log import PATH
from stoa_common.security import Principal, TokenVerifier
from stoa_common.testing import Identities
from stoa_common.testing.identities import ISSUER
from stoa_common.testing.servers import Servers

from .programs import Gateway, gateways, problem, running

QUICK, KEPT = "/api/v1/content/quick", "/api/v1/content/kept"
POLICIES = """
    defaults = { answer_seconds = 60, idle_seconds = 60, limit_class = "few" }
    routes = [{ path = "/api/v1/content/kept", limit_class = "keyed" }]
    [limits.few]
    address = "40/day"
    [limits.keyed]
    address = "60/day"
    key = "23/day"
    """
CALLS = 101


def auth_app(identities: Identities) -> FastAPI:
    """What a gateway asks of auth; each API key is one person's."""
    routes = Router(prefix="", tags=["auth"])
    owners: dict[str, Principal] = {}

    async def give_token(request: Request) -> dict[str, Any]:
        """Take any key."""
        [key] = parse_qs((await request.body()).decode())["subject_token"]
        owner = owners.setdefault(key, identities.principal("author"))
        token = identities.token(owner, client_id=f"api-key:{owner.person_id}")
        return {"access_token": token, "token_type": "Bearer", "expires_in": 60}

    async def show_keys() -> dict[str, Any]:
        """Show what tokens are verified with."""
        return {"keys": [identities.key.as_dict(private=False)]}

    async def list_revocations() -> dict[str, Any]:
        """Know of none."""
        return {"upto": 1, "revocations": []}

    routes.add_api_route("/.well-known/jwks.json", show_keys, methods=["GET"], **public())
    routes.add_api_route(PATH, list_revocations, methods=["GET"], **public())
    routes.add_api_route("/api/v1/auth/token", give_token, methods=["POST"], **public())
    verifier = TokenVerifier(identities, issuer=ISSUER)
    return create_app(title="auth", routers=[routes], resources=Resources(), verifier=verifier)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def auth_url(identities: Identities, served: Any, bound: Any) -> AsyncIterator[str]:
    taken, url = bound()
    async with served(auth_app(identities), taken):
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def replicas(
    servers: Servers, auth_url: str, policies_file: Callable[[str], str]
) -> AsyncIterator[list[aiohttp.ClientSession]]:
    """Clients of two gateways that share a Redis, and nothing else. Each test has a platform of its own."""
    variables = {
        "AUTH_URL": auth_url,
        "AUTH_JWKS_URL": f"{auth_url}/.well-known/jwks.json",
        "STOA_ISSUER": ISSUER,
        "GATEWAY_POLICIES": policies_file(POLICIES),
        "KAFKA_TOPIC_PREFIX": f"t{new_id().hex}.",
        # Nobody counts alone here, however busy the machine is.
        "GATEWAY_LIMITS_ANSWER_SECONDS": "30",
    }
    async with running() as content:
        made = [Gateway(content.url, servers.redis_url, **variables) for _ in range(2)]
        async with AsyncExitStack() as stack:
            await asyncio.gather(*(stack.enter_async_context(gateways(gateway)) for gateway in made))
            yield [await stack.enter_async_context(aiohttp.ClientSession(gateway.url)) for gateway in made]


Asking = Callable[[aiohttp.ClientSession, int], Awaitable[aiohttp.ClientResponse]]


async def asked_together(replicas: Sequence[aiohttp.ClientSession], ask: Asking) -> Counter[int]:
    """How often each status came of 101 calls at the same time, every other one to the other gateway."""
    answers = await asyncio.gather(*(ask(replicas[number % 2], number) for number in range(CALLS)))
    return Counter(answer.status for answer in answers)


def told(answer: aiohttp.ClientResponse, name: str) -> dict[str, dict[str, Any]]:
    return dict(http_sf.parse(answer.headers[name].encode(), tltype="list"))  # type: ignore[arg-type]


async def test_an_address_gets_exactly_its_quota_of_both_together(replicas: list[aiohttp.ClientSession]) -> None:
    statuses = await asked_together(replicas, lambda replica, _: replica.get(QUICK))
    one, other = [await replica.get(QUICK) for replica in replicas]

    assert statuses == {200: 40, 429: CALLS - 40}
    assert one.headers["RateLimit-Policy"] == other.headers["RateLimit-Policy"] == '"few-address";q=40;w=86400'
    assert told(one, "RateLimit")["few-address"]["r"] == told(other, "RateLimit")["few-address"]["r"] == 0
    # The second was asked a moment later.
    assert 0 <= told(one, "RateLimit")["few-address"]["t"] - told(other, "RateLimit")["few-address"]["t"] <= 5


async def test_an_api_key_gets_exactly_its_quota_of_both_together(replicas: list[aiohttp.ClientSession]) -> None:
    key = {"X-API-Key": api_keys.new_key()}

    statuses = await asked_together(replicas, lambda replica, _: replica.post(KEPT, headers=key))
    fresh = {"X-API-Key": api_keys.new_key()}
    one, other = [await replica.post(KEPT, headers=fresh) for replica in replicas]

    assert statuses == {200: 23, 429: CALLS - 23}
    # Those who were refused have spent nothing of the address: another key takes of it, at both gateways as at one.
    assert told(one, "RateLimit") == {"keyed-key": {"r": 22, "t": 86_400}}
    assert told(other, "RateLimit") == {"keyed-key": {"r": 21, "t": 86_400}}


async def test_keys_of_one_address_get_exactly_the_quota_of_the_address(replicas: list[aiohttp.ClientSession]) -> None:
    keys = [{"X-API-Key": api_keys.new_key()} for _ in range(3)]

    statuses = await asked_together(replicas, lambda replica, number: replica.post(KEPT, headers=keys[number % 3]))
    one, other = [await replica.post(KEPT, headers={"X-API-Key": api_keys.new_key()}) for replica in replicas]

    assert statuses == {200: 60, 429: CALLS - 60}
    assert (await problem(one), await problem(other)) == ("quota-is-exceeded", "quota-is-exceeded")
    assert one.headers["RateLimit-Policy"] == other.headers["RateLimit-Policy"]
    assert set(told(one, "RateLimit")) == set(told(other, "RateLimit")) == {"keyed-address"}
