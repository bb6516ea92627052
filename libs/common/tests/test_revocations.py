"""A revoked token is refused at once where it is known, and what a copy does not know it asks for."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from stoa_common import revocations
from stoa_common.errors import Unauthenticated, Unavailable
from stoa_common.ids import new_id
from stoa_common.revocation_log import AuthLog, RedisLog, open_redis
from stoa_common.revocations import Extract, Revocation, Revocations
from stoa_common.security import Principal, TokenVerifier
from stoa_common.testing import Identities
from stoa_common.testing.identities import ISSUER
from stoa_common.testing.servers import Servers


@dataclass
class Truth:
    """Auth's log, as far as a test wrote it."""

    entries: list[Revocation] = field(default_factory=list)
    is_away: bool = False
    asked: int = 0

    def revoke(self, subject: str, *, not_before: float | None = None) -> None:
        """Of the tokens that the test makes within the next minute, too."""
        at = time.time() + 60 if not_before is None else not_before
        self.entries.append(Revocation(len(self.entries) + 1, subject, at, time.time() + 900))

    async def read(self, *, after: int) -> Extract | None:
        self.asked += 1
        found = [one for one in self.entries if one.number > after]
        return None if self.is_away else Extract(len(self.entries), found)


@pytest_asyncio.fixture(loop_scope="session")
async def redis(servers: Servers) -> AsyncIterator[Redis]:
    client = open_redis(servers.redis_url, answer_seconds=10)
    yield client
    await client.aclose()


@pytest.fixture
def prefix() -> str:
    """What nobody else writes to."""
    return f"t{new_id().hex}."


@pytest.fixture
def shared(redis: Redis, prefix: str) -> RedisLog:
    """With a marker that lives longer than a busy machine needs for a test."""
    return RedisLog(redis, prefix=prefix, marker_seconds=60)


@pytest.fixture
def truth() -> Truth:
    return Truth()


async def flush(redis: Redis, prefix: str) -> None:
    """What FLUSHALL does, to the keys of this test alone."""
    keys = [key async for key in redis.scan_iter(match=f"{prefix}*")]
    if keys:
        await redis.delete(*keys)


async def publish(shared: RedisLog, truth: Truth, *, after: int | None = None) -> bool:
    found = [one for one in truth.entries if one.number > (after or 0)]
    return await shared.append(Extract(len(truth.entries), found), after=after)


def a_copy(shared: RedisLog, truth: Truth) -> Revocations:
    return Revocations(shared, truth)


async def is_taken(verifier: TokenVerifier, token: str) -> bool:
    try:
        await verifier.verify(token)
    except Unauthenticated:
        return False
    return True


def expire(copy: Revocations) -> None:
    """Let what the copy was told count no longer, as after a quarter of a second."""
    copy._good_until = float("-inf")


def everything(who: Principal) -> dict[str, str]:
    return {
        "session": revocations.of_session(who.session_id),
        "person": revocations.of_person(who.person_id),
        "member": revocations.of_member(who.person_id, who.organization_id),
    }


@pytest.mark.parametrize("kind", ["session", "person", "member"])
async def test_a_token_that_was_taken_a_moment_ago_is_refused_once_it_is_revoked(
    identities: Identities, shared: RedisLog, truth: Truth, kind: str
) -> None:
    copy = a_copy(shared, truth)
    verifier = TokenVerifier(identities, issuer=ISSUER, revocations=copy)
    who = identities.principal("admin")
    token = identities.token(who)
    others = identities.token(identities.principal("admin", organization_id=who.organization))
    assert await is_taken(verifier, token)

    truth.revoke(everything(who)[kind])
    expire(copy)

    assert not await is_taken(verifier, token)
    assert await is_taken(verifier, others)


async def test_a_suspended_organization_ends_the_tokens_of_all_its_members_and_of_nobody_else(
    identities: Identities, shared: RedisLog, truth: Truth
) -> None:
    copy = a_copy(shared, truth)
    verifier = TokenVerifier(identities, issuer=ISSUER, revocations=copy)
    who = identities.principal("admin")
    members = [who, identities.principal("learner", organization_id=who.organization)]
    elsewhere = identities.principal("admin", person_id=who.person_id)

    truth.revoke(revocations.of_organization(who.organization_id))

    assert [await is_taken(verifier, identities.token(member)) for member in members] == [False, False]
    assert await is_taken(verifier, identities.token(elsewhere))


async def test_a_changed_role_ends_its_holders_tokens_and_no_others(
    identities: Identities, shared: RedisLog, truth: Truth
) -> None:
    verifier = TokenVerifier(identities, issuer=ISSUER, revocations=a_copy(shared, truth))
    organization = new_id()
    holders = [
        identities.principal(*roles, organization_id=organization) for roles in (("grader",), ("learner", "grader"))
    ]
    others = [identities.principal("learner", organization_id=organization), identities.principal("grader")]

    truth.revoke(revocations.of_role(organization, "grader"))

    assert [await is_taken(verifier, identities.token(who)) for who in holders] == [False, False]
    assert [await is_taken(verifier, identities.token(who)) for who in others] == [True, True]


async def test_a_token_that_tells_no_role_ends_with_those_that_tell_none(
    identities: Identities, shared: RedisLog, truth: Truth
) -> None:
    verifier = TokenVerifier(identities, issuer=ISSUER, revocations=a_copy(shared, truth))
    who = identities.principal("admin")

    truth.revoke(revocations.of_role(who.organization_id, ""))

    assert not await is_taken(verifier, identities.token(who, roles=[]))
    assert await is_taken(verifier, identities.token(who))


async def test_a_token_that_was_issued_after_the_revocation_is_taken(
    identities: Identities, shared: RedisLog, truth: Truth
) -> None:
    verifier = TokenVerifier(identities, issuer=ISSUER, revocations=a_copy(shared, truth))
    who = identities.principal("admin")
    at = time.time() - 10
    truth.revoke(everything(who)["member"], not_before=at)

    assert not await is_taken(verifier, identities.token(who, iat=at - 0.001))
    assert not await is_taken(verifier, identities.token(who, iat=at))
    assert await is_taken(verifier, identities.token(who, iat=at + 0.001))


async def test_another_organization_of_the_same_person_is_untouched(
    identities: Identities, shared: RedisLog, truth: Truth
) -> None:
    verifier = TokenVerifier(identities, issuer=ISSUER, revocations=a_copy(shared, truth))
    here = identities.principal("admin")
    there = identities.principal("learner", person_id=here.person_id)

    truth.revoke(everything(here)["member"])

    assert not await is_taken(verifier, identities.token(here))
    assert await is_taken(verifier, identities.token(there))


async def test_what_is_in_redis_is_known_without_asking_auth(
    identities: Identities, shared: RedisLog, truth: Truth
) -> None:
    verifier = TokenVerifier(identities, issuer=ISSUER, revocations=a_copy(shared, truth))
    who = identities.principal("admin")
    truth.revoke(everything(who)["session"])
    await publish(shared, truth)

    assert not await is_taken(verifier, identities.token(who))
    assert truth.asked == 0


async def test_an_emptied_redis_is_not_believed_and_auth_is_asked(
    identities: Identities, redis: Redis, prefix: str, shared: RedisLog, truth: Truth
) -> None:
    who = identities.principal("admin")
    truth.revoke(everything(who)["session"])
    await publish(shared, truth)
    await flush(redis, prefix)

    newcomer = TokenVerifier(identities, issuer=ISSUER, revocations=a_copy(shared, truth))

    assert not await is_taken(newcomer, identities.token(who))
    assert truth.asked == 1


async def test_an_emptied_redis_takes_nothing_new_before_it_is_refilled(
    redis: Redis, prefix: str, shared: RedisLog, truth: Truth
) -> None:
    truth.revoke("first")
    await publish(shared, truth)
    await flush(redis, prefix)
    truth.revoke("second")

    assert not await publish(shared, truth, after=1)
    assert await shared.read(after=0) is None

    assert await publish(shared, truth)
    refilled = await shared.read(after=0)
    assert refilled is not None
    assert [one.subject for one in refilled.revocations] == ["first", "second"]


async def test_a_redis_that_came_back_without_its_last_writes_is_not_believed(
    redis: Redis, prefix: str, shared: RedisLog, truth: Truth
) -> None:
    truth.revoke("first")
    truth.revoke("second")
    copy = a_copy(shared, truth)
    await publish(shared, truth)
    await copy.ensure_fresh()
    await flush(redis, prefix)
    await shared.append(Extract(1, truth.entries[:1]), after=None)

    expire(copy)
    await copy.ensure_fresh()

    assert truth.asked == 1, "the copy has more than Redis says"
    assert not await publish(shared, truth, after=2), "auth wrote more than Redis has, so it writes all again"


async def test_the_marker_is_gone_soon_after_auth_stops_renewing_it(redis: Redis, prefix: str) -> None:
    shared = RedisLog(redis, prefix=prefix)
    await shared.append(Extract(0, []), after=None)

    await asyncio.sleep(0.5)

    assert await shared.read(after=0) is None


async def test_while_auth_is_away_what_was_complete_stays_good_and_then_nothing_is(
    identities: Identities, shared: RedisLog, truth: Truth
) -> None:
    copy = a_copy(shared, truth)
    verifier = TokenVerifier(identities, issuer=ISSUER, revocations=copy)
    revoked, token = identities.principal("admin"), identities.token(identities.principal("admin"))
    truth.revoke(everything(revoked)["session"])
    assert await is_taken(verifier, token)
    truth.is_away = True

    expire(copy)
    assert await is_taken(verifier, token)
    assert not await is_taken(verifier, identities.token(revoked))

    expire(copy)
    copy._complete_at -= revocations.GRACE_SECONDS + 1
    asked = truth.asked
    for _ in range(3):
        with pytest.raises(Unavailable):
            await verifier.verify(token)
    assert truth.asked < asked + 3, "not each request waits for an answer that does not come"


async def test_a_process_that_never_knew_takes_no_token(identities: Identities, shared: RedisLog, truth: Truth) -> None:
    truth.is_away = True
    verifier = TokenVerifier(identities, issuer=ISSUER, revocations=a_copy(shared, truth))

    with pytest.raises(Unavailable):
        await verifier.verify(identities.token(identities.principal()))


async def test_a_database_from_an_older_copy_begins_the_log_anew(shared: RedisLog, truth: Truth) -> None:
    copy = a_copy(shared, truth)
    for subject in ("first", "second", "third"):
        truth.revoke(subject)
    await copy.ensure_fresh()

    truth.entries.clear()
    truth.revoke("another")
    expire(copy)
    await copy.ensure_fresh()

    assert copy.is_revoked(["another"], issued_at=0)
    assert not copy.is_revoked(["third"], issued_at=0)


async def test_servers_that_are_not_there_tell_nothing_and_break_nothing(prefix: str) -> None:
    nobody = open_redis("redis://127.0.0.1:9/0")

    assert await RedisLog(nobody, prefix=prefix).read(after=0) is None
    assert await AuthLog("http://127.0.0.1:9/.well-known/jwks.json").read(after=0) is None
    await nobody.aclose()


def test_a_subject_tells_nobodys_id(identities: Identities) -> None:
    who = identities.principal("admin")

    told = "".join(everything(who).values())

    assert not any(part in told for one in (who.person_id, who.session_id) for part in (str(one), one.hex))
    assert len(set(everything(who).values())) == 3
