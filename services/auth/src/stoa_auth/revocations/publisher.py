"""Brings the log of revocations from the database into Redis, and says how far it is complete there."""

import asyncio
import contextlib
import time
from typing import Final

from redis.exceptions import RedisError

from stoa_auth.revocations.repository import RevocationRepository
from stoa_common import failures, logs
from stoa_common.database import Database
from stoa_common.revocation_log import RedisLog
from stoa_common.revocations import Extract

log = logs.get_logger()
EVERY_SECONDS: Final = 0.2
#: What was read longer ago than this is not written as what is true now.
LONGEST_LOOK_SECONDS: Final = 0.1
FORGET_EVERY_SECONDS: Final = 60.0
#: Whoever revokes waits no longer than this for it to be told: the next look tells it, too.
ANNOUNCED_WITHIN_SECONDS: Final = 0.5
#: Those of this process.
_running: set["Publisher"] = set()


async def announce() -> None:
    """Tell at once what was just revoked, so that whoever is answered may rely on it though auth ends the moment after.

    Without Redis nobody is told, and verifiers ask auth.
    """
    with contextlib.suppress(TimeoutError, RedisError), failures.held("revocations_not_read"):
        async with asyncio.timeout(ANNOUNCED_WITHIN_SECONDS):
            await asyncio.gather(*(publisher.publish() for publisher in _running))


class Publisher:
    """Runs in each process of auth; whatever two of them write is the same, and may come twice."""

    def __init__(
        self, database: Database, shared: RedisLog, *, longest_look_seconds: float = LONGEST_LOOK_SECONDS
    ) -> None:
        self._database = database
        self._shared = shared
        self._longest_look = longest_look_seconds
        #: Up to here this process knows the log in Redis to be complete; None: it knows nothing.
        self._written: int | None = None
        self._forgot_at = time.monotonic()
        self._is_heard = True

    async def run(self) -> None:
        """Runs until cancelled. Verifiers ask auth itself while this cannot reach the database or Redis."""
        _running.add(self)
        try:
            while True:
                await self._look()
                await asyncio.sleep(EVERY_SECONDS)
        finally:
            _running.discard(self)

    async def _look(self) -> None:
        try:
            with failures.held("revocations_not_read"):
                await self.publish()
                await self._forget()
                self._tell(is_heard=True)
        except RedisError:
            self._tell(is_heard=False)

    async def publish(self) -> None:
        """Write what is new; and all that counts, where Redis was emptied or has lost something."""
        if not await self._append(after=self._written):
            self._written = None
            await self._append(after=None)

    async def _append(self, *, after: int | None) -> bool:
        """False where Redis has less than it had."""
        began = time.monotonic()
        extract = await self._read(after or 0)
        if time.monotonic() - began > self._longest_look:
            return True
        if not await self._shared.append(extract, after=after):
            return False
        self._written = extract.upto
        return True

    async def _read(self, after: int) -> Extract:
        async with self._database.transaction() as session:
            return await RevocationRepository(session).read(after=after)

    async def _forget(self) -> None:
        if time.monotonic() - self._forgot_at < FORGET_EVERY_SECONDS:
            return
        async with self._database.transaction() as session:
            oldest = await RevocationRepository(session).forget_expired()
        await self._shared.forget(below=oldest)
        self._forgot_at = time.monotonic()

    def _tell(self, *, is_heard: bool) -> None:
        if is_heard != self._is_heard:
            self._is_heard = is_heard
            log.info("revocations_published_again") if is_heard else log.warning("revocations_not_published")
