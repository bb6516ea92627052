"""Server-Sent Events (WHATWG HTML, section 9.2): framing, a heartbeat, nothing buffered, and slow clients cut."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import orjson
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from stoa_common import logs
from stoa_common.errors import Unauthenticated, Unavailable
from stoa_common.http import connections
from stoa_common.security import TokenVerifier

HEARTBEAT_SECONDS: Final = 15.0
HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
log = logs.get_logger()


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event: its name, its data as JSON, and the id that `Last-Event-ID` will bring back.

    `data` may be an `orjson.Fragment`, JSON text that goes out as it is; each of its lines is a data line of its own.
    """

    event: str
    data: Any
    id: str | None = None

    def encode(self) -> bytes:
        head = f"id: {self.id}\n" if self.id is not None else ""
        lines = _LINE_END.split(orjson.dumps(self.data))
        return f"{head}event: {self.event}\n".encode() + b"".join(b"data: " + line + b"\n" for line in lines) + b"\n"


@dataclass(frozen=True, slots=True)
class Bookmark:
    """An id without an event: the client comes back with it, and is shown nothing."""

    id: str

    def encode(self) -> bytes:
        return f"id: {self.id}\n\n".encode()


def comment(text: str) -> bytes:
    """What no page is told, and a person sees who reads the stream."""
    return f": {text}\n\n".encode()


def retry_after(milliseconds: int) -> bytes:
    """How long a client waits before it comes back, from now on."""
    return f"retry: {milliseconds}\n\n".encode()


class _ClientIsSlow(Exception):
    """A piece could not be written in time."""


class EventStream(StreamingResponse):
    """Answers with events as they come; a comment every 15 s keeps proxies from closing a silent stream.

    Holds one event at a time: the next is asked for when the last is written. A client that does not take it within
    `write_seconds` is cut.
    """

    media_type = "text/event-stream"
    write_seconds: ClassVar[float] = 20.0

    def __init__(self, events: AsyncIterator[ServerEvent | Bookmark], status_code: int = 200) -> None:
        self._pieces = _with_heartbeat(events)
        self._scope: Scope = {}
        super().__init__(self._pieces, status_code, headers=HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        await super().__call__(scope, receive, send)

    async def stream_response(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            async for piece in self._pieces:
                await self._write(send, piece, more_body=True)
            await self._write(send, b"", more_body=False)
        except _ClientIsSlow:
            log.info("slow_client_cut", after_seconds=self.write_seconds)
            connections.cut(self._scope)
        finally:
            # Also where the client left while a piece was being written: the source is told at once, not by chance.
            await self._pieces.aclose()

    async def _write(self, send: Send, piece: bytes, *, more_body: bool) -> None:
        message = {"type": "http.response.body", "body": piece, "more_body": more_body}
        try:
            await asyncio.wait_for(send(message), self.write_seconds)
        except TimeoutError:
            raise _ClientIsSlow from None


async def _with_heartbeat(events: AsyncIterator[ServerEvent | Bookmark]) -> AsyncGenerator[bytes, None]:
    iterator = aiter(events)
    following = _next_of(iterator)
    try:
        while True:
            done, _ = await asyncio.wait([following], timeout=HEARTBEAT_SECONDS)
            if not done:
                yield comment("heartbeat")
                continue
            try:
                event = following.result()
            except StopAsyncIteration:
                return
            yield event.encode()
            following = _next_of(iterator)
    finally:
        await _close(following, iterator)


def _next_of(iterator: AsyncIterator[ServerEvent | Bookmark]) -> "asyncio.Future[ServerEvent | Bookmark]":
    following = asyncio.ensure_future(anext(iterator))
    # It may end just as the client leaves; what nobody asks for, asyncio would report as a bug.
    following.add_done_callback(lambda done: done.cancelled() or done.exception())
    return following


async def _close(following: "asyncio.Future[Any]", iterator: Any) -> None:
    """The client left: end the source, so that it can record what it did."""
    if not following.done():
        following.cancel()
        await asyncio.wait([following])
    if close := getattr(iterator, "aclose", None):
        await close()


def still_known(request: Request) -> Callable[[], Awaitable[bool]]:
    """Asks whether the request's token still counts: for an answer that goes on for long, before each part of it."""
    verifier: TokenVerifier = request.app.state.verifier
    token = request.headers.get("Authorization", "").partition(" ")[2]

    async def ask() -> bool:
        try:
            await verifier.verify(token)
        except (Unauthenticated, Unavailable):
            return False
        return True

    return ask
