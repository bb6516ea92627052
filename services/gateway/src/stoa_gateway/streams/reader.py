"""The one reader of a gateway: follows in Redis all that is told, and knows when it has missed something."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from prometheus_client import Gauge

from stoa_common import logs
from stoa_gateway.streams.provider import Newest, RedisIsAway, StreamLog, Told

#: How long it rests where Redis does not answer.
REST_SECONDS: Final = 1.0
HELD: Final = Gauge("stoa_gateway_streams_held", "1 while Redis does not say what is to be told.")
log = logs.get_logger()


class Reader:
    """Follows the stream of all from its end on."""

    def __init__(
        self,
        source: StreamLog,
        *,
        tell: Callable[[Told], Awaitable[None]],
        miss: Callable[[str], Awaitable[None]],
        hold: Callable[[], Awaitable[None]],
    ) -> None:
        """`tell` gets each message; `miss` the place before which some were missed; `hold` hears that Redis is away."""
        self._source = source
        self._tell, self._miss, self._hold = tell, miss, hold
        self._newest: Newest | None = None
        self._doubted: Newest | None = None
        #: Until Redis has answered once, nobody can be told where they are.
        self.is_held = True
        self.has_begun = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._read()
            except RedisIsAway as error:
                await self._set_held(str(error))
                await asyncio.sleep(REST_SECONDS)

    async def _read(self) -> None:
        if self._newest is None:
            self._newest = await self._source.newest()
            self._release()
        found = await self._source.follow(self._newest.place)
        self._release()
        for live in found:
            if live.number != self._newest.number + 1:
                await self._miss(live.told.place)
            self._newest = Newest(live.told.place, live.number)
            await self._tell(live.told)
        if not found:
            await self._look_for_loss(self._newest)

    async def _look_for_loss(self, known: Newest) -> None:
        """Nothing came. Redis may have been emptied since, or what came may have gone by while it was out of reach."""
        found = await self._source.newest()
        if found.number == known.number:
            self._doubted = None
        elif found != self._doubted:
            # It may have been told just now: then the next look brings it.
            self._doubted = found
        else:
            self._newest, self._doubted = found, None
            await self._miss(found.place)

    async def _set_held(self, reason: str) -> None:
        if not self.is_held:
            self.is_held = True
            HELD.set(1)
            log.warning("streams_held", reason=reason)
            await self._hold()

    def _release(self) -> None:
        if self.is_held:
            self.is_held = False
            self.has_begun.set()
            HELD.set(0)
            log.info("streams_read")
