"""The gateway takes no revoked token: it asks Redis, and auth itself wherever Redis cannot tell."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from typing import Any

import aiohttp
import pytest_asyncio
from fastapi import FastAPI

from stoa_common import clock, revocations
from stoa_common.ids import new_id
from stoa_common.resources import Resources
from stoa_common.revocation_log import PATH, AuthLog, RedisLog, open_redis
from stoa_common.revocations import Extract, Revocation, Revocations
from stoa_common.security import TokenVerifier
from stoa_common.service import Service
from stoa_common.testing import Identities
from stoa_common.testing.identities import ISSUER
from stoa_common.testing.servers import Servers

MINE = "/api/v1/content/mine"


@dataclass
class Auth:
    """Auth's log, over HTTP, and as its publisher writes it."""

    shared: RedisLog
    entries: list[Revocation] = field(default_factory=list)
    asked: int = 0

    def revoke(self, subject: str) -> None:
        now = clock.now().timestamp()
        self.entries.append(Revocation(len(self.entries) + 1, subject, now, now + 900))

    async def publish(self) -> None:
        await self.shared.append(Extract(len(self.entries), self.entries), after=None)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get(PATH)
        async def read(after: int) -> dict[str, Any]:
            self.asked += 1
            found = [asdict(one) for one in self.entries if one.number > after]
            return {"upto": len(self.entries), "revocations": found}

        return app


@dataclass
class Guarded:
    """A gateway that asks for revocations, and the auth that it asks."""

    http: aiohttp.ClientSession
    auth: Auth

    async def status(self, headers: dict[str, str]) -> int:
        async with self.http.get(MINE, headers=headers) as answer:
            return answer.status


@pytest_asyncio.fixture(loop_scope="session")
async def guarded(
    service: Service, resources: Resources, identities: Identities, servers: Servers, url: str, served: Any, bound: Any
) -> AsyncIterator[Guarded]:
    redis = open_redis(servers.redis_url)
    auth = Auth(RedisLog(redis, prefix=f"t{new_id().hex}."))
    (auth_socket, auth_url), (gateway_socket, gateway_url) = bound(), bound()
    known = Revocations(auth.shared, AuthLog(f"{auth_url}/.well-known/jwks.json"))
    app = service.build_app(resources, TokenVerifier(identities, issuer=ISSUER, revocations=known), None)
    async with (
        served(auth.app(), auth_socket),
        served(app, gateway_socket),
        aiohttp.ClientSession(gateway_url) as http,
    ):
        yield Guarded(http, auth)
    await redis.aclose()


async def let_what_is_known_grow_old() -> None:
    await asyncio.sleep(revocations.TRUST_SECONDS + 0.05)


async def test_a_revoked_token_does_not_pass(guarded: Guarded, identities: Identities) -> None:
    who = identities.principal("learner")
    headers = identities.headers(who)
    assert await guarded.status(headers) == 200

    guarded.auth.revoke(revocations.of_session(who.session_id))
    await guarded.auth.publish()
    await let_what_is_known_grow_old()

    assert await guarded.status(headers) == 401


async def test_without_a_word_from_redis_auth_is_asked(guarded: Guarded, identities: Identities) -> None:
    who = identities.principal("learner")
    guarded.auth.revoke(revocations.of_person(who.person_id))

    assert await guarded.status(identities.headers(who)) == 401
    assert guarded.auth.asked == 1


async def test_many_requests_ask_once(guarded: Guarded, identities: Identities) -> None:
    headers = identities.headers(identities.principal("learner"))

    statuses = await asyncio.gather(*(guarded.status(headers) for _ in range(30)))

    assert set(statuses) == {200}
    # A machine that takes long over thirty requests asks again for the last of them.
    assert guarded.auth.asked < 10
