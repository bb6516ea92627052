"""The feed's growing end: streams that wait there, and the one query that wakes them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final
from uuid import UUID

import orjson
from prometheus_client import Gauge

from stoa_common import clock, failures
from stoa_common.database import Database
from stoa_common.errors import TooManyRequests, Unauthenticated
from stoa_common.http import problems
from stoa_common.pages import BadCursor
from stoa_common.security import Principal
from stoa_common.sse import Bookmark, ServerEvent
from stoa_feed.events import service
from stoa_feed.events.domain import PlaceIsGone
from stoa_feed.events.service import Place, Window

POLL_SECONDS: Final = 0.2
RETRY_SECONDS: Final = 1.0
#: What one stream reads at a time, and so the most that it holds for a client that is slow.
STREAM_EVENTS: Final = 100
STREAM_BYTES: Final = 256_000
#: Reads at once: streams leave the rest of the connections to requests.
READERS: Final = 3
MOST_STREAMS: Final = 500
MOST_STREAMS_OF_ONE: Final = 20
STREAMS = Gauge("stoa_feed_streams", "Open event streams.")


class TooManyStreams(TooManyRequests):
    """The organization, or this process, has as many open streams as it may."""

    def __init__(self) -> None:
        detail = f"An organization may hold {MOST_STREAMS_OF_ONE} streams open: close one, or share one among readers."
        super().__init__(detail, headers={"Retry-After": "10"})


class Tail:
    """Tells streams when their feed has grown: one query every 200 ms for all of them, and none while nobody waits."""

    def __init__(self) -> None:
        self.readers = asyncio.Semaphore(READERS)
        self._open: Counter[UUID] = Counter()
        self._newest: dict[UUID, int] = {}
        self._looked = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None

    def check_room(self, organization_id: UUID) -> None:
        """Raises TooManyStreams."""
        if self._open[organization_id] >= MOST_STREAMS_OF_ONE or self._open.total() >= MOST_STREAMS:
            raise TooManyStreams

    @contextmanager
    def listening(self, organization_id: UUID) -> Iterator[None]:
        self._open[organization_id] += 1
        STREAMS.inc()
        try:
            yield
        finally:
            STREAMS.dec()
            self._open[organization_id] -= 1
            if not self._open[organization_id]:
                del self._open[organization_id]
                self._newest.pop(organization_id, None)

    async def grown(self, organization_id: UUID, *, beyond: int, database: Database) -> None:
        """Returns when the feed holds a number beyond this one."""
        while self._newest.get(organization_id, 0) <= beyond:
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look(database))
            looked = asyncio.ensure_future(self._looked.wait())
            try:
                await asyncio.wait([looked, self._looking], return_when=asyncio.FIRST_COMPLETED)
            finally:
                looked.cancel()
            if self._looking.done():
                # A bug ended it: this stream ends too, and its client comes back.
                self._looking.result()

    async def _look(self, database: Database) -> None:
        while self._open:
            pause = RETRY_SECONDS
            with failures.held("feed_tail_held"):
                async with database.transaction() as session:
                    self._newest |= await service.last_numbers(session, list(self._open))
                pause = POLL_SECONDS
            looked, self._looked = self._looked, asyncio.Event()
            looked.set()
            await asyncio.sleep(pause)


async def follow(
    tail: Tail,
    database: Database,
    *,
    reader: Principal,
    is_known: Callable[[], Awaitable[bool]],
    after: Place,
    types: Sequence[str],
    request_id: str,
) -> AsyncIterator[ServerEvent | Bookmark]:
    """The reader's events after a place, then each new one, until the reader's token ends, or is revoked.

    A place that the feed does not hold, or no longer, becomes `reset`: it brings the feed's end, from where it goes on.
    """
    organization_id, place = reader.organization_id, after
    try:
        # Asked before by the route, for a clean answer; many that were let in at once are counted here.
        tail.check_room(organization_id)
    except TooManyStreams as refusal:
        yield ServerEvent("error", problems.document(refusal, instance=request_id))
        return
    with tail.listening(organization_id):
        # Asked before each reading: who was removed or suspended meanwhile gets nothing more.
        while not _is_over(reader) and await is_known():
            try:
                async with tail.readers:
                    found = await _read(database, organization_id, after=place, types=types)
            except (PlaceIsGone, BadCursor) as refusal:
                found = await _read(database, organization_id, after="latest", types=types)
                problem = problems.document(refusal, instance=request_id)
                place = found.read_until
                yield ServerEvent("reset", problem, service.write_cursor(organization_id, place))
                continue
            for event in found.events:
                shown = service.show(event)
                cursor = service.write_cursor(organization_id, shown.number)
                yield ServerEvent(shown.type, orjson.Fragment(shown.body), cursor)
            if place != found.read_until and not (found.events and found.events[-1].number == found.read_until):
                # What the types leave out need not be read again by a client that comes back.
                yield Bookmark(service.write_cursor(organization_id, found.read_until))
            place = found.read_until
            if len(found.events) < STREAM_EVENTS:
                await _wait(tail, database, reader, beyond=place)
    over = Unauthenticated("The access token has ended: come back with a new one and the last id.")
    yield ServerEvent("error", problems.document(over, instance=request_id))


async def _read(database: Database, organization_id: UUID, *, after: Place, types: Sequence[str]) -> Window:
    async with database.transaction() as session:
        return await service.read_feed(
            session, organization_id, after=after, types=types, limit=STREAM_EVENTS, max_bytes=STREAM_BYTES
        )


async def _wait(tail: Tail, database: Database, reader: Principal, *, beyond: int) -> None:
    left = reader.expires_at - clock.now().timestamp()
    try:
        await asyncio.wait_for(tail.grown(reader.organization_id, beyond=beyond, database=database), max(left, 0))
    except TimeoutError:
        return


def _is_over(reader: Principal) -> bool:
    return clock.now().timestamp() >= reader.expires_at
