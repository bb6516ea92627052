"""Counting in Redis: all quotas of a request by one script, which decides by Redis' own clock."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Final

import hiredis
from prometheus_client import Counter, Gauge

from stoa_common.logs import get_logger
from stoa_gateway.limits import connection as connections
from stoa_gateway.limits.connection import Address, Connection, Part, RedisIsAway, code, packed
from stoa_gateway.limits.domain import Decision
from stoa_gateway.limits.rates import Rate

#: How long a request may wait for Redis, and how long Redis is left alone after it made one wait too long.
ANSWER_SECONDS: Final = 0.05
REST_SECONDS: Final = 1.0
#: Replicas' clocks differ, and Redis' does not differ from itself.
CLOCK: Final = "local time = redis.call('TIME')\nlocal now = time[1] * 1000000 + time[2]\n"
TAKE: Final = (files("stoa_gateway.limits") / "take.lua").read_text()
SCRIPT: Final = CLOCK + TAKE
_SHA: Final = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()

LOCAL: Final = Gauge("stoa_gateway_limits_local", "1 while this gateway counts requests alone, without Redis.")
FAILURES: Final = Counter("stoa_gateway_limits_redis_failures_total", "Times that Redis was lost while it counted.")
log = get_logger()


class Taking:
    """One caller's request, as the script is called for it; packed once and used for all that follow."""

    __slots__ = ("_rest", "command", "keys")

    def __init__(self, keys: Sequence[bytes], rates: Sequence[Rate], *, cost: int) -> None:
        self.keys = tuple(keys)
        numbers = [number for rate in rates for number in (rate.interval_us, rate.depth_us)]
        self._rest: tuple[Part, ...] = (len(self.keys), *self.keys, cost, *numbers)
        self.command = packed("EVALSHA", _SHA, *self._rest)

    def with_script(self) -> bytes:
        """The command for a Redis that does not have the script; it keeps it from then on."""
        return packed("EVAL", SCRIPT, *self._rest)


#: Shows that Redis takes scripts and writes: one that is loading, full or a replica does not count for us.
_PROBE: Final = Taking([b"{stoa:limits}:probe"], [Rate(interval_us=1000, burst=1000)], cost=1)


class RedisCounts:
    """Keeps one connection, makes it anew when it is lost, and lets no request wait for that."""

    def __init__(self, url: str, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._address = Address.read(url)
        self._answer_seconds = answer_seconds
        self._connection: Connection | None = None
        self._was_told_away = False

    async def take(self, taking: Taking) -> Decision:
        """Take of all quotas or of none.

        Raises RedisIsAway: at once where that is known, else when this request has waited for as long as any may.
        """
        connection = self._connection
        if connection is None:
            raise RedisIsAway
        reply = await connection.ask(taking.command)
        if isinstance(reply, hiredis.ReplyError) and code(reply) == "NOSCRIPT":
            reply = await connection.ask(taking.with_script())
        if isinstance(reply, hiredis.ReplyError):
            connection.give_up(code(reply))
            raise RedisIsAway
        return Decision(*reply)

    async def connect(self) -> None:
        """Try once to reach Redis."""
        try:
            self._connection, _ = await connections.connect(
                self._address, _PROBE.with_script(), answer_seconds=self._answer_seconds
            )
        except (OSError, TimeoutError, RedisIsAway) as error:
            self._tell(is_away=True, reason=str(error) if isinstance(error, RedisIsAway) else type(error).__name__)
        else:
            self._tell(is_away=False)

    async def run(self) -> None:
        """Notice when Redis is lost, and reach it again, until cancelled."""
        while True:
            if self._connection is not None:
                await self._connection.lost.wait()
                self._tell(is_away=True, reason=self._connection.reason)
                self._connection = None
                FAILURES.inc()
            await asyncio.sleep(REST_SECONDS)
            await self.connect()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.give_up("closed")

    def _tell(self, *, is_away: bool, reason: str = "") -> None:
        """Once for each time that it changes."""
        LOCAL.set(is_away)
        if is_away and not self._was_told_away:
            log.warning("limits_counted_locally", reason=reason)
        elif not is_away and self._was_told_away:
            log.info("limits_counted_in_redis")
        self._was_told_away = is_away


@asynccontextmanager
async def opened(url: str, *, answer_seconds: float = ANSWER_SECONDS) -> AsyncIterator[RedisCounts]:
    """Counts that have tried to reach Redis once, and go on trying while they are open."""
    counts = RedisCounts(url, answer_seconds=answer_seconds)
    await counts.connect()
    running = asyncio.create_task(counts.run())
    try:
        yield counts
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        counts.close()
