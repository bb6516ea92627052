"""Auth's log as a test writes it, its copy in Redis, and who asks them."""

import time
from dataclasses import dataclass, field

from redis.asyncio import Redis

from stoa_common import revocations
from stoa_common.errors import Unauthenticated
from stoa_common.revocation_log import RedisLog
from stoa_common.revocations import Extract, Revocation, Revocations
from stoa_common.security import Principal, TokenVerifier


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
