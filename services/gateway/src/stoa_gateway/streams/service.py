"""Who listens in this process: what is told reaches them, and who may listen no more is ended."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final
from uuid import UUID

from fastapi import FastAPI
from prometheus_client import Gauge

from stoa_common import clock, logs, sse
from stoa_common.errors import Unavailable
from stoa_common.http import problems
from stoa_common.security import TokenVerifier
from stoa_common.sse import Bookmark, ServerEvent
from stoa_gateway.streams import domain
from stoa_gateway.streams.domain import Message
from stoa_gateway.streams.listener import Listener
from stoa_gateway.streams.provider import Opening, RedisIsAway, StreamLog, Told
from stoa_gateway.streams.reader import Reader

#: How often clients are looked after: with what a verifier needs to learn of it, a revocation ends streams in a second.
TEND_SECONDS: Final = 0.4
#: After so many clients others have their turn.
AT_ONCE: Final = 500
#: So many ask Redis at once for what they have missed: when a gateway is restarted, all of them come.
OPENING: Final = 32
OPEN_SECONDS: Final = 5.0
#: When clients come back by themselves, and when nobody can tell them anything now.
RETRY_MS, AWAY_RETRY_MS = 1_000, 4_000
REST_SECONDS: Final = 1.0
_UNKNOWN: Final = -1
STREAMS: Final = Gauge("stoa_gateway_streams", "Open streams of people.")
log = logs.get_logger()


class Streams:
    """The open streams of this process."""

    def __init__(self, source: StreamLog, *, most: int, most_of_one: int) -> None:
        self._source = source
        self._most, self._most_of_one = most, most_of_one
        self._people: dict[str, list[Listener]] = {}
        self._organizations: dict[UUID, set[Listener]] = {}
        self._open = 0
        self._opening = asyncio.Semaphore(OPENING)
        self._reader = Reader(source, tell=self._tell, miss=self._reset, hold=self._tell_of_hold)
        self._known: dict[FastAPI, int] = {}

    async def run(self) -> None:
        """Tell and look after who listens, until cancelled."""
        while True:
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._reader.run())
                    both.create_task(self._tend())
            except* Exception:  # a bug here would leave thousands of open streams silent for good
                log.exception("streams_failed")
            await asyncio.sleep(REST_SECONDS)

    async def begun(self) -> None:
        """Returns when it is known what to tell, or Redis does not say so soon."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._reader.has_begun.wait(), REST_SECONDS)

    def add(self, listener: Listener) -> None:
        """What is told from now on reaches the listener as soon as it has begun; until it is removed.

        Raises TooManyStreams, NoRoomForStreams, StreamIsOver.
        """
        if len(self._people.get(listener.person, ())) >= self._most_of_one:
            raise domain.TooManyStreams(self._most_of_one)
        if self._open >= self._most:
            raise domain.NoRoomForStreams
        # Another request may have learned of it while this one waited: it is no news to `tend` any more.
        if listener.is_revoked():
            raise domain.StreamIsOver
        self._people.setdefault(listener.person, []).append(listener)
        if listener.organization_id is not None:
            self._organizations.setdefault(listener.organization_id, set()).add(listener)
        self._open += 1
        STREAMS.inc()

    def remove(self, listener: Listener) -> None:
        """Nothing is told to the listener any more."""
        STREAMS.dec()
        self._open -= 1
        of_one = self._people[listener.person]
        of_one.remove(listener)
        if not of_one:
            del self._people[listener.person]
        if listener.organization_id is not None:
            together = self._organizations[listener.organization_id]
            together.remove(listener)
            if not together:
                del self._organizations[listener.organization_id]

    async def begin(self, listener: Listener, *, after: str | None, request_id: str) -> None:
        """Tell the listener its place, and what it has missed since the one that it names.

        While nothing can be told it is asked to come back later, and its stream ends.
        """
        try:
            if self._reader.is_held:
                raise RedisIsAway
            named = after if after and domain.is_place(after) else None
            async with asyncio.timeout(OPEN_SECONDS), self._opening:
                opening = await self._source.open(listener.person, listener.organization_id, after=named)
        except (RedisIsAway, TimeoutError):
            listener.end(_away(listener))
        else:
            is_whole = opening.is_whole and (named is not None or not after)
            listener.begin(opening.place, _first(listener, opening, is_whole=is_whole, request_id=request_id))

    async def _tell(self, told: Told) -> None:
        hearers = self._hearers(told.message)
        if not hearers:
            return
        frame, order = told.message.frame(told.place), domain.order(told.place)
        async for listener in _in_turns(hearers):
            if told.message.is_for(listener.organization_id, hears=listener.hears):
                listener.take(order, frame)

    def _hearers(self, message: Message) -> list[Listener]:
        if message.person is not None:
            return list(self._people.get(message.person, ()))
        found = self._organizations.get(message.organization_id) if message.organization_id else None
        return list(found or ())

    async def _reset(self, place: str) -> None:
        log.warning("streams_reset", listeners=self._open)
        frame = _moved_on(place, request_id="")
        async for listener in _in_turns(self._listeners()):
            listener.tell_loss(frame)

    async def _tell_of_hold(self) -> None:
        async for listener in _in_turns(self._listeners()):
            listener.outlet.write(sse.comment("held: what happens now is told later"))

    async def _tend(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(TEND_SECONDS)
            apps = {listener.app for listener in self._listeners()}
            leaving = {app for app in apps if getattr(app.state, "is_leaving", False)}
            news = await self._news_of_revocations(apps)
            now = clock.now().timestamp()
            async for listener in _in_turns(self._listeners()):
                upto = news.get(listener.app)
                if now >= listener.expires_at or upto == _UNKNOWN or (upto is not None and listener.is_revoked()):
                    listener.end(_over())
                elif listener.app in leaving:
                    listener.end(sse.comment("this gateway stops: come back, and another one answers"))
                # Also who was told the end: a client that does not read would never get to it.
                listener.outlet.tend(loop.time())

    async def _news_of_revocations(self, apps: Collection[FastAPI]) -> dict[FastAPI, int]:
        """Those that know of more than when they were last asked, or cannot tell any more."""
        known = {app: await _upto(app.state.verifier) for app in apps}
        news = {app: upto for app, upto in known.items() if upto != self._known.get(app)}
        self._known = known
        return news

    def _listeners(self) -> list[Listener]:
        return [listener for of_one in self._people.values() for listener in of_one]


@asynccontextmanager
async def opened(source: StreamLog, *, most: int, most_of_one: int) -> AsyncIterator[Streams]:
    """The open streams of this process, told and looked after meanwhile."""
    streams = Streams(source, most=most, most_of_one=most_of_one)
    running = asyncio.create_task(streams.run())
    try:
        await streams.begun()
        yield streams
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _in_turns(listeners: Sequence[Listener]) -> AsyncIterator[Listener]:
    """Each of them; now and then others have their turn, so that what was written leaves meanwhile."""
    for count, listener in enumerate(listeners, start=1):
        yield listener
        if count % AT_ONCE == 0:
            await asyncio.sleep(0)


async def _upto(verifier: TokenVerifier) -> int:
    """How much of the log of revocations is known; _UNKNOWN where neither Redis nor auth can tell."""
    if verifier.revocations is None:
        return 0
    try:
        await verifier.revocations.ensure_fresh()
    except Unavailable:
        return _UNKNOWN
    return verifier.revocations.upto


def _first(listener: Listener, opening: Opening, *, is_whole: bool, request_id: str) -> Iterable[bytes]:
    """What a stream begins with: what was missed, and a place to come back to."""
    yield sse.retry_after(domain.retry_milliseconds(listener.person, least=RETRY_MS))
    if not is_whole:
        yield _moved_on(opening.place, request_id=request_id)
        return
    for told in opening.missed:
        if told.message.is_for(listener.organization_id, hears=listener.hears):
            yield told.message.frame(told.place)
    yield Bookmark(opening.place).encode()


def _moved_on(place: str, *, request_id: str) -> bytes:
    problem = problems.document(domain.StreamHasMovedOn(), instance=request_id)
    return ServerEvent("reset", problem, place).encode()


def _over() -> bytes:
    return ServerEvent("error", problems.document(domain.StreamIsOver(), instance="")).encode()


def _away(listener: Listener) -> bytes:
    later = sse.retry_after(domain.retry_milliseconds(listener.person, least=AWAY_RETRY_MS))
    return later + sse.comment("streams are not reachable; come back later")
