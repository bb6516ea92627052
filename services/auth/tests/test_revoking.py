"""What ends a session or changes a person's rights makes their tokens worthless, wherever they are shown."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest_asyncio
from joserfc.jwk import KeySet
from redis.asyncio import Redis

from stoa_auth.keys.service import KeyRing
from stoa_auth.revocations.publisher import Publisher
from stoa_auth.revocations.repository import RevocationRepository
from stoa_common.database import Database
from stoa_common.errors import Unauthenticated
from stoa_common.ids import new_id
from stoa_common.resources import Resources
from stoa_common.revocation_log import KEY, PATH, RedisLog, open_redis
from stoa_common.revocations import Extract, Revocation, Revocations
from stoa_common.security import TokenVerifier
from stoa_common.testing.identities import ISSUER
from stoa_common.testing.servers import Servers

from .conftest import Doors
from .test_refresh import pretend_it_was_used_earlier


@dataclass
class OverHttp:
    """Auth's own answer, as a verifier asks for it."""

    client: httpx2.AsyncClient
    asked: int = 0

    async def read(self, *, after: int) -> Extract | None:
        self.asked += 1
        body = (await self.client.get(PATH, params={"after": after})).json()
        return Extract(body["upto"], [Revocation(**one) for one in body["revocations"]])


@dataclass
class Keys:
    ring: KeyRing

    async def key_set(self, *, missing: str | None = None) -> KeySet:
        public: Any = {"keys": await self.ring.public_keys()}
        return KeySet.import_key_set(public)


@dataclass
class Elsewhere:
    """A gateway or service: it has its own copy of what auth wrote to Redis, and may ask auth."""

    verifier: TokenVerifier
    publisher: Publisher
    truth: OverHttp
    redis: Redis
    prefix: str

    async def takes(self, token: str) -> bool:
        try:
            await self.verifier.verify(token)
        except Unauthenticated:
            return False
        return True

    async def takes_within_a_second(self, token: str, *, expected: bool) -> bool:
        """Asks until the answer is the expected one, for a second at most of what a copy is trusted in all."""
        until = time.monotonic() + 1
        while await self.takes(token) is not expected and time.monotonic() < until:
            await asyncio.sleep(0.02)
        return await self.takes(token)

    async def flush(self) -> None:
        keys = [key async for key in self.redis.scan_iter(match=f"{self.prefix}*")]
        if keys:
            await self.redis.delete(*keys)


def a_publisher(database: Database, shared: RedisLog) -> Publisher:
    return Publisher(database, shared, longest_look_seconds=60)


@pytest_asyncio.fixture(loop_scope="session")
async def elsewhere(
    doors: Doors, resources: Resources, database: Database, servers: Servers
) -> AsyncIterator[Elsewhere]:
    # A busy machine takes its time, which is not what is tested here.
    redis, prefix = open_redis(servers.redis_url, answer_seconds=10), f"t{new_id().hex}."
    shared, truth = RedisLog(redis, prefix=prefix, marker_seconds=60), OverHttp(doors.client)
    verifier = TokenVerifier(Keys(resources.get(KeyRing)), issuer=ISSUER, revocations=Revocations(shared, truth))
    yield Elsewhere(verifier, a_publisher(database, shared), truth, redis, prefix)
    await redis.aclose()


async def is_refused(elsewhere: Elsewhere, token: str) -> bool:
    return not await elsewhere.takes_within_a_second(token, expected=False)


async def test_a_log_out_reaches_whoever_took_the_token(doors: Doors, elsewhere: Elsewhere) -> None:
    ada = await doors.newcomer()
    other = await doors.enter(ada.email)
    assert await elsewhere.takes(ada.access_token)

    await doors.client.post("/api/v1/auth/logout", headers=ada.headers)

    assert await is_refused(elsewhere, ada.access_token)
    assert await elsewhere.takes(other.access_token)


async def test_logging_out_everywhere_reaches_every_session(doors: Doors, elsewhere: Elsewhere) -> None:
    ada, bystander = await doors.newcomer(), await doors.newcomer()
    other = await doors.enter(ada.email)

    await doors.client.delete("/api/v1/auth/sessions", headers=ada.headers)

    assert await is_refused(elsewhere, ada.access_token)
    assert await is_refused(elsewhere, other.access_token)
    assert await elsewhere.takes(bystander.access_token)
    assert await elsewhere.takes((await doors.enter(ada.email)).access_token)


async def test_reuse_of_a_refresh_token_makes_the_familys_access_tokens_worthless(
    doors: Doors, elsewhere: Elsewhere, database: Database
) -> None:
    ada = await doors.newcomer()
    newer = (await doors.refresh(ada.refresh_token)).json()["access_token"]
    await pretend_it_was_used_earlier(database, ada.refresh_token, by=timedelta(seconds=11))
    assert await elsewhere.takes(newer)

    assert (await doors.refresh(ada.refresh_token)).status_code == 401

    assert await is_refused(elsewhere, newer)


async def test_a_repeat_within_the_window_harms_no_token(doors: Doors, elsewhere: Elsewhere) -> None:
    ada = await doors.newcomer()
    newer = (await doors.refresh(ada.refresh_token)).json()["access_token"]

    assert (await doors.refresh(ada.refresh_token)).status_code == 409

    assert await elsewhere.takes(newer)
    assert await elsewhere.takes(ada.access_token)


async def test_of_fifty_parallel_refreshes_the_one_that_succeeds_gives_a_token_that_is_taken(
    doors: Doors, elsewhere: Elsewhere
) -> None:
    ada = await doors.newcomer()

    answers = await asyncio.gather(*(doors.refresh(ada.refresh_token) for _ in range(50)))

    [granted] = [answer.json() for answer in answers if answer.status_code == 200]
    assert await elsewhere.takes(granted["access_token"])


async def test_a_changed_role_makes_the_members_tokens_stale_and_a_refresh_gives_a_good_one(
    doors: Doors, elsewhere: Elsewhere
) -> None:
    admin = await doors.newcomer()
    member = await doors.member(admin, "learner")
    path = f"/api/v1/auth/organizations/{admin.organization_id}/members/{member.person_id}"
    assert await elsewhere.takes(member.access_token)

    await doors.client.patch(path, json={"roles": ["author"]}, headers=admin.headers)
    newer = (await doors.refresh(member.refresh_token)).json()["access_token"]

    assert await is_refused(elsewhere, member.access_token)
    assert await elsewhere.takes(newer)
    assert await elsewhere.takes(admin.access_token)


async def test_the_same_roles_again_change_nothing(doors: Doors, elsewhere: Elsewhere, database: Database) -> None:
    admin = await doors.newcomer()
    member = await doors.member(admin, "learner")
    path = f"/api/v1/auth/organizations/{admin.organization_id}/members/{member.person_id}"
    before = await _upto(database)

    await doors.client.patch(path, json={"roles": ["learner"]}, headers=admin.headers)

    assert await _upto(database) == before


async def test_no_token_says_the_old_roles_once_the_new_ones_count(doors: Doors, elsewhere: Elsewhere) -> None:
    for roles in (["author"], ["learner"], ["admin"], ["author"]):
        admin = await doors.newcomer()
        member = await doors.member(admin, "learner")
        path = f"/api/v1/auth/organizations/{admin.organization_id}/members/{member.person_id}"

        changed, refreshed = await asyncio.gather(
            doors.client.patch(path, json={"roles": roles}, headers=admin.headers), doors.refresh(member.refresh_token)
        )

        assert (changed.status_code, refreshed.status_code) == (200, 200)
        token = refreshed.json()["access_token"]
        await asyncio.sleep(0.3)
        if await elsewhere.takes(token):
            assert sorted((await elsewhere.verifier.verify(token)).roles) == roles


async def test_an_erased_persons_tokens_are_worthless(doors: Doors, elsewhere: Elsewhere) -> None:
    ada = await doors.newcomer()
    assert await elsewhere.takes(ada.access_token)

    await doors.client.delete("/api/v1/auth/me", headers=ada.headers)

    assert await is_refused(elsewhere, ada.access_token)


async def test_what_is_published_is_known_without_asking_auth(doors: Doors, elsewhere: Elsewhere) -> None:
    ada = await doors.newcomer()
    await doors.client.post("/api/v1/auth/logout", headers=ada.headers)

    await elsewhere.publisher.publish()

    assert not await elsewhere.takes(ada.access_token)
    assert elsewhere.truth.asked == 0


async def test_after_a_flush_auth_is_asked_and_redis_refilled_before_it_is_believed_again(
    doors: Doors, elsewhere: Elsewhere
) -> None:
    early, late = await doors.newcomer(), await doors.newcomer()
    await doors.client.post("/api/v1/auth/logout", headers=early.headers)
    await elsewhere.publisher.publish()
    await elsewhere.flush()
    await doors.client.post("/api/v1/auth/logout", headers=late.headers)

    assert not await elsewhere.takes(early.access_token)
    assert not await elsewhere.takes(late.access_token)
    assert elsewhere.truth.asked == 1

    await elsewhere.publisher.publish()
    refilled = await RedisLog(elsewhere.redis, prefix=elsewhere.prefix).read(after=0)
    assert refilled is not None
    assert len(refilled.revocations) >= 2


async def test_two_replicas_write_one_log(doors: Doors, elsewhere: Elsewhere, database: Database) -> None:
    shared = RedisLog(elsewhere.redis, prefix=elsewhere.prefix, marker_seconds=60)
    replicas = [elsewhere.publisher, a_publisher(database, shared)]
    for replica in replicas:
        await replica.publish()
    people = [await doors.newcomer() for _ in range(6)]

    for number, person in enumerate(people):
        await doors.client.post("/api/v1/auth/logout", headers=person.headers)
        await replicas[number % 2].publish()
        if number == 3:
            await elsewhere.flush()
    await asyncio.gather(*(replica.publish() for replica in replicas))

    written = await shared.read(after=0)
    assert written is not None
    async with database.transaction() as session:
        assert written == await RevocationRepository(session).read(after=0)


async def test_numbers_follow_the_commits(doors: Doors, database: Database) -> None:
    people = [await doors.newcomer() for _ in range(10)]

    await asyncio.gather(*(doors.client.post("/api/v1/auth/logout", headers=one.headers) for one in people))

    async with database.transaction() as session:
        extract = await RevocationRepository(session).read(after=0)
    assert [one.number for one in extract.revocations] == sorted({one.number for one in extract.revocations})
    assert extract.upto == extract.revocations[-1].number


async def test_the_log_names_nobody(doors: Doors, elsewhere: Elsewhere) -> None:
    ada = await doors.newcomer()
    await doors.client.delete("/api/v1/auth/me", headers=ada.headers)
    await elsewhere.publisher.publish()

    told = (await doors.client.get(PATH)).text
    written = [await elsewhere.redis.zrange(key, 0, -1) async for key in elsewhere.redis.scan_iter("*:log")]

    assert ada.person_id not in told + str(written)


async def test_the_log_is_not_written_with_a_change_that_did_not_happen(doors: Doors, database: Database) -> None:
    admin = await doors.newcomer()
    path = f"/api/v1/auth/organizations/{admin.organization_id}/members/{admin.person_id}"
    before = await _upto(database)

    refused = await doors.client.patch(path, json={"roles": ["learner"]}, headers=admin.headers)

    assert refused.status_code == 409
    assert await _upto(database) == before


async def _upto(database: Database) -> int:
    async with database.transaction() as session:
        return (await RevocationRepository(session).read(after=0)).upto


async def test_what_is_answered_as_revoked_is_in_redis_already(doors: Doors, elsewhere: Elsewhere) -> None:
    ada = await doors.newcomer()
    publishing = asyncio.create_task(elsewhere.publisher.run())
    assert await elsewhere.takes_within_a_second(ada.access_token, expected=True)
    before = await elsewhere.redis.zcard(f"{elsewhere.prefix}{KEY}:log")

    await doors.client.post("/api/v1/auth/logout", headers=ada.headers)
    # As if auth were killed now.
    publishing.cancel()

    assert await elsewhere.redis.zcard(f"{elsewhere.prefix}{KEY}:log") > before
