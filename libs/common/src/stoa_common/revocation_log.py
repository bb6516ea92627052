"""Where copies read the log of revocations: in Redis, where auth writes it, and at auth itself.

In Redis the log is a sorted set by number, and beside it a marker says up to which number the set is complete. The
marker lives for less than half a second and is renewed by auth after each look into its database: so it is gone soon
after a flush, a restart, or when auth cannot write, and whoever misses it asks auth.
"""

import json
import time
from collections.abc import Awaitable, Sequence
from typing import Any, Final, cast
from urllib.parse import urljoin

import aiohttp
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from stoa_common.revocations import KEPT_SECONDS, Extract, Revocation

#: The braces keep both keys on one node of a cluster.
KEY: Final = "{stoa:revocations}"
PATH: Final = "/internal/revocations"
MARKER_SECONDS: Final = 0.45
ANSWER_SECONDS: Final = 0.2
#: A Redis that does not answer is not asked again for this long: its time-outs would be every request's.
_REST_SECONDS: Final = 1.0
#: A marker behind what the writer knows to be written is that of a server that lost its last writes.
_APPEND: Final = """
local marker = redis.call('GET', KEYS[2])
if ARGV[1] ~= '' and (not marker or tonumber(marker) < tonumber(ARGV[1])) then return 0 end
for i = 5, #ARGV, 2 do redis.call('ZADD', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('SET', KEYS[2], math.max(tonumber(marker or 0), tonumber(ARGV[2])), 'PX', ARGV[3])
return 1
"""


def open_redis(url: str, *, answer_seconds: float = ANSWER_SECONDS) -> "Redis":
    """A client that would rather fail than make requests wait."""
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=answer_seconds,
        socket_connect_timeout=answer_seconds,
        retry=Retry(NoBackoff(), 1),
    )


class RedisLog:
    """The log in Redis. Is a source of revocations."""

    def __init__(self, client: "Redis", *, prefix: str = "", marker_seconds: float = MARKER_SECONDS) -> None:
        """The prefix parts platforms that share a Redis, as it parts their topics."""
        self._marker_ms = int(marker_seconds * 1000)
        self._client = client
        self._log, self._marker = f"{prefix}{KEY}:log", f"{prefix}{KEY}:upto"
        self._rests_until = float("-inf")

    async def read(self, *, after: int) -> Extract | None:
        if time.monotonic() < self._rests_until:
            return None
        try:
            async with self._client.pipeline(transaction=True) as both:
                both.get(self._marker)
                both.zrangebyscore(self._log, f"({after}", "+inf")
                marker, members = await both.execute()
            # Without the marker something may be missing, and nothing is there that does not count.
            return Extract(int(marker) if marker else None, [_read(member) for member in members])
        except (RedisError, OSError, ValueError, TypeError):
            self._rests_until = time.monotonic() + _REST_SECONDS
            return None

    async def append(self, extract: Extract, *, after: int | None) -> bool:
        """Write what follows `after` and renew the marker; False, and nothing done, where Redis has less than that.

        With None the extract is all that counts, and is written whatever is there. Raises RedisError, OSError.
        """
        members = [part for one in extract.revocations for part in (one.number, _written(one))]
        times = (self._marker_ms, KEPT_SECONDS * 1000)
        arguments = ["" if after is None else after, extract.upto, *times, *members]
        done = self._client.eval(_APPEND, 2, self._log, self._marker, *[str(one) for one in arguments])
        return bool(await cast("Awaitable[int]", done))

    async def forget(self, *, below: int) -> None:
        """Drop the entries that count no more. Raises RedisError, OSError."""
        await self._client.zremrangebyscore(self._log, "-inf", f"({below}")


class AuthLog:
    """The log as auth's database has it, over HTTP. Is a source of revocations."""

    def __init__(self, jwks_url: str) -> None:
        self._url = urljoin(jwks_url, PATH)

    async def read(self, *, after: int) -> Extract | None:
        timeout = aiohttp.ClientTimeout(total=1)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as http,
                http.get(self._url, params={"after": after}) as answer,
            ):
                answer.raise_for_status()
                return _extract(await answer.json())
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError):
            return None


def _extract(body: Any) -> Extract:
    return Extract(int(body["upto"]), [Revocation(**one) for one in body["revocations"]])


def _written(one: Revocation) -> str:
    return json.dumps([one.number, one.subject, one.not_before, one.expires_at])


def _read(member: str) -> Revocation:
    return Revocation(*cast("Sequence[Any]", json.loads(member)))
