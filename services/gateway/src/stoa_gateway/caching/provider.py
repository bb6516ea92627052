"""How the gateway's processes tell each other which events ended kept answers: a capped Redis stream.

The consumer role writes to it, and every process that keeps answers reads it. Whoever lost Redis for a moment cannot
know what was missed, and ends all that it keeps; until Redis is back nothing outlives the window of its rule.
"""

import asyncio
from collections.abc import Collection
from typing import Any, Final, Protocol
from uuid import UUID

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from stoa_common import logs
from stoa_gateway.caching.domain import Purge

_KEY: Final = "stoa:purges"
#: More than a burst of events between two reads.
_MOST_KEPT: Final = 10_000
_BLOCK_MS: Final = 2000
#: More than a blocked read takes, or every quiet moment would look like a failure.
_ANSWER_SECONDS: Final = 4.0
_PAUSE_SECONDS: Final = 0.5
log = logs.get_logger()


class RedisIsAway(ConnectionError):
    """Redis did not answer, or could not do what was asked."""


class Purgeable(Protocol):
    """What keeps answers."""

    def purge(self, purge: Purge) -> None: ...

    def clear(self) -> None: ...


def open_redis(url: str) -> "Redis":
    """A client that tells of each connection that it loses: a quiet retry would hide what was missed meanwhile."""
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=_ANSWER_SECONDS,
        socket_connect_timeout=_ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


class Purges:
    """The stream, for who writes and who reads. `prefix` parts platforms that share a Redis."""

    def __init__(self, client: "Redis", *, prefix: str = "") -> None:
        self._client = client
        self._key = prefix + _KEY
        self._is_followed = True

    async def announce(self, purges: Collection[Purge]) -> None:
        """Tell every process; raises RedisIsAway."""
        try:
            async with self._client.pipeline(transaction=False) as writing:
                for purge in purges:
                    writing.xadd(self._key, _fields(purge), maxlen=_MOST_KEPT, approximate=True)
                await writing.execute()
        except (RedisError, OSError) as error:
            raise RedisIsAway(type(error).__name__) from error

    async def follow(self, cache: Purgeable) -> None:
        """Keep the cache in step, until cancelled."""
        while True:
            try:
                await self._follow(cache)
            except (RedisError, OSError, ValueError, KeyError) as error:
                if self._is_followed:
                    log.warning("purges_not_followed", error=type(error).__name__)
                self._is_followed = False
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _follow(self, cache: Purgeable) -> None:
        """Raises RedisError, OSError as soon as something may have been missed."""
        place = await self._newest()
        # Whatever came before that place was missed.
        cache.clear()
        if not self._is_followed:
            log.info("purges_followed_again")
        self._is_followed = True
        while True:
            for told_at, purge in await self._after(place):
                cache.purge(purge)
                place = told_at

    async def _newest(self) -> str:
        found = await self._client.xrevrange(self._key, count=1)
        return str(found[0][0]) if found else "0-0"

    async def _after(self, place: str) -> list[tuple[str, Purge]]:
        read: Any = await self._client.xread({self._key: place}, block=_BLOCK_MS)
        # A pair for each stream that was asked for: one, or none where nothing came.
        return [(at, _purge(fields)) for _, entries in read for at, fields in entries]


def _fields(purge: Purge) -> dict[Any, Any]:
    return {"type": purge.event_type, "organization": str(purge.organization or "")}


def _purge(fields: dict[str, str]) -> Purge:
    return Purge(fields["type"], UUID(fields["organization"]) if fields["organization"] else None)
