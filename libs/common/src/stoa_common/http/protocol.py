"""HTTP/1.1 as every process of ours takes it: uvicorn's protocol on llhttp, with the limits that uvicorn leaves open.

A client that sends a request's head slowly, or never ends it, would otherwise hold a connection, and memory, for as
long as it likes. What is refused here, before there is a request, is a problem like any other; the connection closes.

An answer that ends before the request's body has come, such as a refusal, ends the connection, too: whoever announces a
gigabyte and is refused would otherwise have it read to the end.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from stoa_common.errors import BadRequest, Refusal
from stoa_common.http import problems
from stoa_common.http.connections import TRANSPORT, Successor
from stoa_common.ids import new_id

#: From the connection, or the first byte of a further request, to the empty line after the headers.
HEAD_SECONDS: Final = 10.0
LARGEST_HEAD_BYTES: Final = 32_768
MOST_HEADERS: Final = 100
#: What is still read of a body, and dropped, after its answer: a client that is sending would lose the answer if the
#: connection were closed under it (RFC 9112, section 9.6).
UNREAD_BYTES: Final = 1_048_576
UNREAD_SECONDS: Final = 2.0


class RequestIsMalformed(BadRequest):
    """What came is no HTTP/1.1 request."""


class HeadIsTooLarge(Refusal):
    """The request line and the headers are more than any client needs (RFC 6585)."""

    status, title = 431, "Request header fields too large"


class HeadIsTooSlow(Refusal):
    """The request's headers did not end in time (RFC 9110, section 15.5.9)."""

    status, title = 408, "Request timeout"


class LimitedHttp(HttpToolsProtocol):
    """For `uvicorn.Config(http=...)`."""

    head_seconds = HEAD_SECONDS
    unread_seconds = UNREAD_SECONDS
    _deadline: asyncio.TimerHandle | None = None
    _has_begun = False
    _head_bytes = 0
    _chunk_bytes = 0
    _refusal: Refusal | None = None
    _expected: "_Expected | None" = None
    _unread_bytes = UNREAD_BYTES
    _ending: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_here()
        if self._ending is not None:
            self._ending.cancel()
        # uvicorn leaves it where the client reset the connection, and with it all that hangs on this object.
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._ending is not None:
            self._drop(data)
            return
        self._chunk_bytes = len(data)
        super().data_received(data)
        if self._expected is not None and self._expected.has_come():
            self._expected = None
        if self._expected is None and self.cycle is not None and self.cycle.more_body:
            self._expected = _Expected(self.cycle, self._end_unread)
        if self._deadline is None:
            return
        # A header that does not end grows inside the parser, which tells of it when it has ended.
        self._head_bytes += len(data)
        if self._head_bytes > LARGEST_HEAD_BYTES:
            self._refuse(_too_large())

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: self.transport}  # type: ignore[dict-item]  # ASGI has only dicts there
        self._has_begun = True
        if self._deadline is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        self._head_is_here()
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > LARGEST_HEAD_BYTES or len(self.headers) > MOST_HEADERS:
            self._refusal = _too_large()
            # The parser stops at it, and `send_400_response` is asked for what to say.
            raise ValueError
        super().on_headers_complete()

    def shutdown(self) -> None:
        if self._expected is not None:
            self._expected.may_stay_open = False
        super().shutdown()

    def give_up(self, successor: Successor) -> set[Any]:
        """The connection is the successor's; this object is done, and all that a request holds can go."""
        self._head_is_here()
        self._unset_keepalive_if_required()
        # uvicorn takes the request for over.
        self.cycle.disconnected = True
        self.connections.discard(self)
        self.connections.add(successor)  # type: ignore[arg-type]  # as much of one as uvicorn asks for
        self.flow.resume_reading()
        self.parser = None  # type: ignore[assignment]  # as uvicorn has it where a connection is lost
        self.transport.set_protocol(successor)  # type: ignore[arg-type]  # mypy knows it by its methods only
        successor.connection_made(self.transport)
        if self.flow.write_paused:
            successor.pause_writing()
        return self.connections

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's own words, as plain text
        self._refuse(self._refusal or RequestIsMalformed("This is no request of HTTP/1.1."))

    def _await_head(self) -> None:
        # What is being read now may be another request's body for the most part: it is not counted.
        self._head_bytes = -self._chunk_bytes
        self._deadline = self.loop.call_later(self.head_seconds, self._head_is_late)

    def _head_is_here(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self._has_begun = False

    def _head_is_late(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            # The client waits for an answer, and has begun its next request: the answer goes first.
            self._await_head()
        elif self._has_begun:
            self._refuse(_too_slow(self.head_seconds))
        else:
            # Opened ahead of need, as browsers do: an answer would be taken for that of the next request.
            self.transport.close()

    def _end_unread(self, cycle: RequestResponseCycle) -> None:
        """Close a connection whose answer is out; for a moment longer, what is on its way is read and dropped."""
        if self.transport.is_closing() or self._ending is not None:
            return
        if not cycle.more_body or not self.transport.can_write_eof():
            self.transport.close()
            return
        self._ending = self.loop.call_later(self.unread_seconds, self.transport.close)
        self.transport.write_eof()

    def _drop(self, data: bytes) -> None:
        self._unread_bytes -= len(data)
        if self._unread_bytes < 0:
            # Not closed yet: a fast sender would be there before it has read its answer.
            self.flow.pause_reading()

    def _refuse(self, refusal: Refusal) -> None:
        self._head_is_here()
        if not self.transport.is_closing():
            self.transport.write(_answer(refusal))
            self.transport.close()


class _Expected:
    """A body that is announced and has not come: an answer that begins now says that it is the connection's last.

    Stands between the request and its transport, so that the connection ends as the protocol wants it.
    """

    def __init__(self, cycle: RequestResponseCycle, end: Callable[[RequestResponseCycle], None]) -> None:
        self.may_stay_open = cycle.keep_alive
        self._cycle = cycle
        self._transport = cycle.transport
        self._end = end
        cycle.keep_alive, cycle.transport = False, self  # type: ignore[assignment]  # as much of one as uvicorn asks for

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        self._end(self._cycle)

    def has_come(self) -> bool:
        """Whether the body is complete; then it is a request like any other, unless its answer has begun."""
        if self._cycle.more_body:
            return False
        if not self._cycle.response_started:
            self._cycle.keep_alive, self._cycle.transport = self.may_stay_open, self._transport
        return True


def _too_slow(seconds: float) -> HeadIsTooSlow:
    return HeadIsTooSlow(f"Send the request's headers within {seconds:g} seconds.")


def _too_large() -> HeadIsTooLarge:
    return HeadIsTooLarge(f"Send at most {MOST_HEADERS} headers, and {LARGEST_HEAD_BYTES} bytes before the body.")


def _answer(refusal: Refusal) -> bytes:
    request_id = str(new_id())
    body = orjson.dumps(problems.document(refusal, instance=request_id))
    headers: dict[str, Any] = {
        "content-type": problems.MEDIA_TYPE,
        "content-length": len(body),
        "x-request-id": request_id,
        "connection": "close",
    }
    lines = [f"{name}: {value}\r\n".encode() for name, value in headers.items()]
    return b"".join([STATUS_LINE[refusal.status], *lines, b"\r\n", body])
