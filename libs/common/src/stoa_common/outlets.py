"""Server-sent events to thousands of clients from one source: who has news writes it, and waits for nobody.

Framing, heartbeat and what becomes of a slow client are `sse`'s; an `EventStream` asks its own source, an `Outlet` is
told.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Final

from starlette.types import Scope, Send

from stoa_common import logs, sse
from stoa_common.http import connections

Header = tuple[bytes, bytes]
_HEADERS: Final[tuple[Header, ...]] = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"connection", b"close"),
    *((name.lower().encode(), value.encode()) for name, value in sse.HEADERS.items()),
)
_HEARTBEAT: Final = sse.comment("heartbeat")
_LAST_CHUNK: Final = b"0\r\n\r\n"
log = logs.get_logger()


class Outlet(asyncio.Protocol):
    """One client's open answer.

    Once its head is out it has the connection for itself, and neither a task nor anything else that the request held
    stays: it takes a quarter of the memory. Whoever holds the outlets calls `tend` of each, about twice a second: that
    is its heartbeat, and how a client that does not read is noticed.
    """

    write_seconds: ClassVar[float] = sse.EventStream.write_seconds
    #: How much may wait for a client that is slow.
    most_waiting: ClassVar[int] = 256 * 1024
    #: A client has nothing more to say; much of it is no mistake.
    most_heard: ClassVar[int] = 64 * 1024
    __slots__ = (
        *("_closed", "_connections", "_early", "_heard"),
        *("_is_ended", "_since", "_transport", "_written_at"),
    )

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        #: What was written before there was a connection.
        self._early: list[bytes] = []
        self._closed: Callable[[], None] | None = None
        #: The server's, of which this is one.
        self._connections: set[Any] | None = None
        self._is_ended = False
        self._heard = 0
        #: When something was last written, and since when the client has not taken it.
        self._written_at = 0.0
        self._since: float | None = None

    async def serve(self, scope: Scope, send: Send, *, headers: Iterable[Header], closed: Callable[[], None]) -> None:
        """Begin the answer, and return: it goes on by itself. `closed` is called when its connection is.

        Needs a server whose connections are `LimitedHttp`.
        """
        await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS, *headers]})
        self._closed, self._connections = closed, connections.hand_over(scope, self)
        if self._connections is None:
            self.connection_lost(None)

    def write(self, piece: bytes) -> None:
        """Add to what the client gets. Nothing is said of whether it arrives."""
        if self._is_ended:
            return
        if self._transport is None:
            self._early.append(piece)
            return
        self._transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self._written_at = asyncio.get_running_loop().time()
        if self._transport.get_write_buffer_size() > self.most_waiting:
            self._cut("slow_client_cut")

    def end(self) -> None:
        """End the answer after what was written before; what is written afterwards is dropped."""
        if self._is_ended:
            return
        self._is_ended = True
        if self._transport is not None:
            self._finish(self._transport)

    def tend(self, now: float) -> None:
        """Look after the client, at this time of the loop."""
        if self._transport is None:
            return
        if self._since is not None:
            if now - self._since > self.write_seconds:
                self._cut("slow_client_cut")
        elif now - self._written_at >= sse.HEARTBEAT_SECONDS:
            self.write(_HEARTBEAT)

    def shutdown(self) -> None:
        """The server stops."""
        self.end()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        self._transport = transport
        self._written_at = asyncio.get_running_loop().time()
        is_ended, self._is_ended = self._is_ended, False
        early, self._early = self._early, []
        if early:
            self.write(b"".join(early))
        if is_ended:
            self.end()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the protocol's
        self._transport, self._is_ended, self._early = None, True, []
        if self._connections is not None:
            self._connections.discard(self)
        closed, self._closed = self._closed, None
        if closed is not None:
            closed()

    def data_received(self, data: bytes) -> None:
        self._heard += len(data)
        if self._heard > self.most_heard:
            self._cut("talking_client_cut")

    def pause_writing(self) -> None:
        self._since = asyncio.get_running_loop().time()

    def resume_writing(self) -> None:
        if not self._is_ended:
            self._since = None

    def _finish(self, transport: asyncio.Transport) -> None:
        transport.write(_LAST_CHUNK)
        # Closes when all of it is sent; a client that does not read would never get there.
        transport.close()
        self._since = self._since or asyncio.get_running_loop().time()

    def _cut(self, event: str) -> None:
        """Close the connection at once: what lies in its buffers would keep it open for as long as the client likes."""
        log.info(event)
        self._is_ended = True
        if self._transport is not None:
            self._transport.abort()
