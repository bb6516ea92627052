"""What a copy of the log does not know it asks for: an emptied or lost Redis is not believed, nor auth's silence."""

import asyncio
import time

import pytest
from redis.asyncio import Redis
from revoking import Truth, a_copy, everything, expire, flush, is_taken, publish

from stoa_common import revocations
from stoa_common.errors import Unavailable
from stoa_common.ids import new_id
from stoa_common.revocation_log import KEY, AuthLog, RedisLog, open_redis
from stoa_common.revocations import Extract
from stoa_common.security import TokenVerifier
from stoa_common.testing import Identities
from stoa_common.testing.identities import ISSUER


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
    assert await shared.read(after=0) == Extract(None, [])

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

    assert await shared.read(after=0) == Extract(None, [])


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


async def test_what_redis_tells_counts_although_nobody_can_say_that_it_is_all(
    shared: RedisLog, truth: Truth, redis: Redis, prefix: str
) -> None:
    copy, subject = a_copy(shared, truth), revocations.of_session(new_id())
    await publish(shared, truth)
    await copy.ensure_fresh()
    truth.revoke(subject)
    await publish(shared, truth, after=0)
    # The marker goes half a second after auth went.
    await redis.delete(f"{prefix}{KEY}:upto")
    truth.is_away = True

    await asyncio.sleep(revocations.TRUST_SECONDS)
    await copy.ensure_fresh()

    assert copy.is_revoked([subject], issued_at=time.time())
