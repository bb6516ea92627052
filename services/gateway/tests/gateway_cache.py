"""A cache with a clock that a test sets, and a service behind it that answers as a test says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from stoa_common.errors import Unavailable
from stoa_gateway.caching.service import Cache
from stoa_gateway.routing.domain import CacheRule

ORGANIZATION = "01990000-0000-7000-8000-000000000001"
PATH = f"/api/v1/content/public/{ORGANIZATION}"
CHANGED = "stoa.content.course.published.v1"
RULE = CacheRule(fresh_seconds=30.0, stale_seconds=600.0, purged_by=(CHANGED,))
PUBLIC = "public, max-age=10, stale-while-revalidate=20, stale-if-error=100"


@dataclass
class Clock:
    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Catalog:
    """A service: counts what it is asked, and waits while it is held."""

    body: str = "one"
    headers: dict[str, str] = field(default_factory=lambda: {"Cache-Control": PUBLIC, "ETag": '"one"'})
    status: int = 200
    is_down: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.let_go.set()

    def says(self, body: str, **headers: str) -> None:
        """Answer this from now on; headers by name, `_` for `-`."""
        self.body = body
        self.headers |= {"ETag": f'"{body}"'} | {name.replace("_", "-"): value for name, value in headers.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append({"method": scope["method"], **asked})
        body, headers, status = self.body, dict(self.headers), self.status
        await self.let_go.wait()
        if self.is_down:
            raise Unavailable("The service does not answer; try again.")
        if status == 200 and asked.get("if-none-match") == headers.get("ETag"):
            body, status = "", 304
        await send({"type": "http.response.start", "status": status, "headers": _raw(headers)})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body.encode()})


@dataclass(frozen=True)
class Answered:
    status: int
    headers: dict[str, str]
    body: str

    @property
    def became(self) -> str:
        """What the cache says of it: `hit`, or why it went on."""
        return self.headers["cache-status"].removeprefix("stoa; ").partition(";")[0]


@dataclass
class Cached:
    """Clients of one cache, and what is behind it."""

    cache: Cache
    clock: Clock
    catalog: Catalog

    async def get(self, path: str = PATH, method: str = "GET", query: str = "", **headers: str) -> Answered:
        scope: Scope = {"type": "http", "method": method, "path": path, "query_string": query.encode()}
        scope["headers"] = _raw({name.replace("_", "-"): value for name, value in headers.items()})
        scope["client"] = ("192.0.2.1", 1234)
        sent: list[Message] = []
        await self.cache.serve(RULE, scope, _hangs_up_never, _into(sent), self.catalog)
        told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answered(sent[0]["status"], told, b"".join(each.get("body", b"") for each in sent[1:]).decode())

    def wait(self, seconds: float) -> None:
        self.clock.seconds += seconds


async def _hangs_up_never() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def _into(sent: list[Message]) -> Send:
    async def send(message: Message) -> None:
        sent.append(message)

    return send


def _raw(headers: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), str(value).encode()) for name, value in headers.items()]


@asynccontextmanager
async def a_cache() -> AsyncIterator[Cached]:
    """A cache of its own, with room for some answers."""
    clock = Clock()
    cache = Cache(max_bytes=1_000_000, now=clock)
    yield Cached(cache, clock, Catalog())
    await cache.close()


async def settled() -> None:
    """What goes on in the background has come to an end."""
    for _ in range(20):
        await asyncio.sleep(0)
