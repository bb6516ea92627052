"""A gateway with streams of its own in Redis, what is told on them, and a client that reads one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import aiohttp
import orjson
from fastapi import FastAPI

from stoa_common import clock
from stoa_common.ids import new_id
from stoa_common.messaging.router import Batch, BatchRecord
from stoa_common.resources import Resources
from stoa_common.revocation_log import RedisLog, open_redis
from stoa_common.revocations import Extract, Revocation, Revocations
from stoa_common.security import Principal, TokenVerifier
from stoa_common.testing import Identities
from stoa_common.testing.delivery import an_envelope
from stoa_common.testing.identities import ISSUER
from stoa_events.contract import Event
from stoa_events.contracts import CoursePublished, LearnerEnrolled
from stoa_events.testkit import an_event
from stoa_gateway.documents.service import Documents
from stoa_gateway.identity.service import Gatekeeper
from stoa_gateway.limits.service import Limits
from stoa_gateway.origins.service import AllowedOrigins
from stoa_gateway.routing.service import Routing
from stoa_gateway.settings import Settings
from stoa_gateway.streams import provider, service, telling
from stoa_gateway.streams.provider import StreamLog
from stoa_gateway.streams.service import Streams

PATH = "/api/v1/stream"
SHARED = (Settings, Documents, Gatekeeper, AllowedOrigins, Routing, Limits)


def enrolled(who: Principal, **changed: Any) -> LearnerEnrolled:
    told = {"person_id": who.person_id, "organization_id": who.organization_id}
    return an_event(LearnerEnrolled, **(told | {"enrollment_id": new_id()} | changed))


def published(organization_id: UUID) -> CoursePublished:
    return an_event(CoursePublished, course_id=new_id(), organization_id=organization_id)


class Nowhere:
    """Auth, where it cannot tell what was revoked."""

    async def read(self, *, after: int) -> Extract | None:
        return None


@dataclass
class Revoking:
    """Auth's log in Redis, as its publisher writes it."""

    shared: RedisLog
    count: int = 0

    async def revoke(self, *subjects: str) -> None:
        now = clock.now().timestamp()
        new = [Revocation(self.count + n, subject, now, now + 900) for n, subject in enumerate(subjects, start=1)]
        self.count += len(new)
        await self.shared.append(Extract(self.count, new), after=None)


@dataclass
class Told:
    """What a stream said: an event, with its id."""

    name: str
    data: Any
    id: str


@dataclass
class Follower:
    """Somebody who reads a stream, as a browser does."""

    answer: aiohttp.ClientResponse
    last_id: str = ""
    comments: list[str] = field(default_factory=list)
    retry: int = 0

    async def next(self) -> Told:
        """The next event; comments, ids and what is said of coming back are kept beside it."""
        async with asyncio.timeout(20):
            while True:
                if (told := await self._block()) is not None:
                    return told

    async def begun(self) -> "Follower":
        """When the first place is known, and all that follows will come."""
        async with asyncio.timeout(20):
            while not self.last_id:
                assert await self._block() is None
        return self

    async def comment(self, text: str) -> None:
        """When such a comment was made; no event comes before it."""
        async with asyncio.timeout(20):
            while not any(text in comment for comment in self.comments):
                assert await self._block() is None

    async def rest(self) -> list[Told]:
        """What still comes until the stream ends."""
        async with asyncio.timeout(20):
            text = await self.answer.content.read()
        return [told for block in text.split(b"\n\n") if (told := self._read(block)) is not None]

    async def _block(self) -> Told | None:
        block = await self.answer.content.readuntil(b"\n\n")
        assert block.endswith(b"\n\n"), f"The stream has ended: {self}"
        return self._read(block)

    def _read(self, block: bytes) -> Told | None:
        fields = dict(line.partition(": ")[::2] for line in block.decode().split("\n") if line)
        self.last_id = fields.get("id", self.last_id)
        self.retry = int(fields.get("retry", self.retry))
        if "" in fields:
            self.comments.append(fields[""])
        return Told(fields["event"], orjson.loads(fields["data"]), self.last_id) if "data" in fields else None


@dataclass
class Gateway:
    """One gateway with an address."""

    app: FastAPI
    http: aiohttp.ClientSession
    source: StreamLog
    streams: Streams
    identities: Identities
    revoking: Revoking
    redis: Any
    prefix: str

    async def follow(self, who: Principal, *, after: str | None = None, **claims: object) -> Follower:
        headers = {"Authorization": f"Bearer {self.identities.token(who, **claims)}"}
        if after is not None:
            headers["Last-Event-ID"] = after
        answer = await self.http.get(PATH, headers=headers)
        assert answer.status == 200, await answer.text()
        return Follower(answer)

    async def tell(self, *events: Event, **envelope: Any) -> None:
        """As the consumer does it with a batch of these."""
        records = [
            BatchRecord("topic", 0, n, 0, an_envelope(event, **envelope), event.data())
            for n, event in enumerate(events)
        ]
        batch = Batch("topic", 0, 0, len(records), records)
        await telling.tell_batch(batch, self.source, since=clock.now() - self.source.kept)

    async def keys(self) -> list[str]:
        return [key async for key in self.redis.scan_iter(f"{self.prefix}*")]


class Wire:
    """The way to Redis, which a test can cut, or make silent."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._writers: set[asyncio.StreamWriter] = set()
        self._copying: set[asyncio.Task[None]] = set()
        self.is_cut = False
        self.flows = asyncio.Event()
        self.flows.set()
        self.port = 0

    @property
    def url(self) -> str:
        secret = f":{self._parts.password}@" if self._parts.password else ""
        return f"redis://{secret}127.0.0.1:{self.port}/0"

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.close()
            return
        theirs, ours = await asyncio.open_connection(self._parts.hostname or "127.0.0.1", self._parts.port or 6379)
        self._writers |= {writer, ours}
        await asyncio.gather(self._copy(reader, ours), self._copy(theirs, writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(65536):
                await self.flows.wait()
                writer.write(piece)
                await writer.drain()
        writer.close()

    def cut(self) -> None:
        self.is_cut = True
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    def mend(self) -> None:
        self.is_cut = False


@contextlib.asynccontextmanager
async def wired(url: str) -> AsyncIterator[Wire]:
    wire = Wire(url)
    async with await asyncio.start_server(wire.take, "127.0.0.1", 0) as server:
        wire.port = server.sockets[0].getsockname()[1]
        yield wire
        wire.flows.set()
        wire.cut()


@contextlib.asynccontextmanager
async def a_gateway(
    app_of: Any,
    resources: Resources,
    identities: Identities,
    served: Any,
    bound: Any,
    *,
    redis_url: str,
    direct_url: str,
    kept_seconds: float = 600,
    most: int = 100,
    streams_most: int = 50,
    most_of_one: int = 3,
    prefix: str = "",
) -> AsyncIterator[Gateway]:
    """A gateway of its own, in a corner of Redis that nobody else uses."""
    prefix = prefix or f"t{new_id().hex}."
    redis = open_redis(direct_url)
    revoking = Revoking(RedisLog(redis, prefix=prefix, marker_seconds=60))
    await revoking.revoke("nobody")
    verifier = TokenVerifier(identities, issuer=ISSUER, revocations=Revocations(revoking.shared, Nowhere()))
    own = Resources([resources.get(kind) for kind in SHARED])
    taken, address = bound()
    async with (
        provider.opened(redis_url, prefix=prefix, kept_seconds=kept_seconds, most=most) as source,
        service.opened(source, most=streams_most, most_of_one=most_of_one) as streams,
    ):
        own.add(source)
        own.add(streams)
        app = app_of(own, verifier, None)
        async with served(app, taken), aiohttp.ClientSession(address, read_bufsize=2**20) as http:
            yield Gateway(app, http, source, streams, identities, revoking, redis, prefix)
    await redis.aclose()
