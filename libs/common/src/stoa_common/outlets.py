"""Server-sent events to thousands of clients from one source: who has news writes it, and waits for nobody.

Framing, heartbeat and what becomes of a slow client are `sse`'s; an `EventStream` asks its own source, an `Outlet` is
told.
"""

import asyncio
from typing import Any, ClassVar, Final

from starlette.types import Receive, Scope, Send

from stoa_common import logs, sse

_HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    *((name.lower().encode(), value.encode()) for name, value in sse.HEADERS.items()),
)
_HEARTBEAT: Final = sse.comment("heartbeat")
log = logs.get_logger()


class Outlet:
    """One client's open answer. Costs the request's own task and no other.

    Whoever holds the outlets calls `tend` of each, about twice a second: that is its heartbeat, and how a client that
    does not read, or has left, is noticed.
    """

    write_seconds: ClassVar[float] = sse.EventStream.write_seconds
    #: How much may wait for a client that is slow.
    most_waiting: ClassVar[int] = 256 * 1024
    __slots__ = ("_bytes", "_is_cut", "_is_ended", "_news", "_since", "_task", "_transport", "_waiting", "_written_at")

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._bytes = 0
        self._news: asyncio.Future[None] | None = None
        self._is_ended = self._is_cut = False
        self._transport: Any = None
        self._task: asyncio.Task[Any] | None = None
        #: When something was last written, and since when the client has been taking it.
        self._written_at = asyncio.get_running_loop().time()
        self._since: float | None = None

    def write(self, piece: bytes) -> None:
        """Add to what the client gets. Nothing is said of whether it arrives."""
        if self._is_ended:
            return
        self._waiting.append(piece)
        self._bytes += len(piece)
        if self._bytes > self.most_waiting:
            self._cut()
        self._ring()

    def end(self) -> None:
        """End the answer after what was written before; what is written afterwards is dropped."""
        self._is_ended = True
        self._ring()

    def tend(self, now: float) -> None:
        """Look after the client, at this time of the loop."""
        if self._transport is not None and self._transport.is_closing():
            self._leave()
        elif self._since is not None:
            if now - self._since > self.write_seconds:
                self._cut()
        elif now - self._written_at >= sse.HEARTBEAT_SECONDS:
            self.write(_HEARTBEAT)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer, from its beginning until `end`, or until the client has left or is cut."""
        self._task = asyncio.current_task()
        self._transport = scope.get("extensions", {}).get(sse.TRANSPORT)
        # A server that shows its connection is asked by `tend`; another one says by itself who has left.
        leaving = None if self._transport is not None else asyncio.create_task(self._wait_until_left(receive))
        try:
            await self._answer(send)
        except asyncio.CancelledError:
            if not self._is_cut:
                raise
        finally:
            self._leave()
            if leaving is not None:
                leaving.cancel()

    async def _answer(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
        while not self._is_cut and (self._waiting or not self._is_ended):
            if not self._waiting:
                self._news = asyncio.get_running_loop().create_future()
                await self._news
                continue
            pieces, self._waiting, self._bytes = b"".join(self._waiting), [], 0
            self._since = self._written_at = asyncio.get_running_loop().time()
            await send({"type": "http.response.body", "body": pieces, "more_body": True})
            self._since = None
        if not self._is_cut:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _wait_until_left(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def _ring(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _leave(self) -> None:
        """Nobody is there any more."""
        self._waiting, self._is_ended = [], True
        self._ring()

    def _cut(self) -> None:
        """Close the connection at once: what lies in its buffers would keep it open for as long as the client likes."""
        if self._is_cut:
            return
        log.info("slow_client_cut", after_seconds=self.write_seconds)
        self._is_cut = True
        self._leave()
        if self._transport is not None:
            self._transport.abort()
        elif self._task is not None:
            self._task.cancel()
