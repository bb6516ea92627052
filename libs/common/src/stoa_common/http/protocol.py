"""HTTP/1.1 as every process of ours takes it: uvicorn's protocol on llhttp, with the limits that uvicorn leaves open.

A client that sends a request's head slowly, or never ends it, would otherwise hold a connection, and memory, for as
long as it likes. What is refused here, before there is a request, is a problem like any other; the connection closes.

An answer that ends before the request's body has come, such as a refusal, ends the connection, too: whoever announces a
gigabyte and is refused would otherwise have it read to the end.
"""

import asyncio
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from stoa_common.errors import Refusal
from stoa_common.http.bodies import Expected
from stoa_common.http.connections import TRANSPORT, Successor, Untaken
from stoa_common.http.heads import (
    LARGEST_HEAD_BYTES,
    MOST_HEADERS,
    RequestIsMalformed,
    answer,
    framing_of,
    refusal_of,
    too_large,
    too_slow,
)

__all__ = ["HEAD_SECONDS", "LARGEST_HEAD_BYTES", "MOST_AHEAD", "MOST_HEADERS", "LimitedHttp"]

#: From the connection, or the first byte of a further request, to the empty line after the headers.
HEAD_SECONDS: Final = 10.0
#: What is still read of a body, and dropped, after its answer: a client that is sending would lose the answer if the
#: connection were closed under it (RFC 9112, section 9.6).
UNREAD_BYTES: Final = 1_048_576
UNREAD_SECONDS: Final = 2.0
#: How long a client may take nothing of what waits for it.
UNTAKEN_SECONDS: Final = 60.0
#: Requests that a client may send ahead of their answers; each is held in memory.
MOST_AHEAD: Final = 32


class LimitedHttp(HttpToolsProtocol):
    """For `uvicorn.Config(http=...)`."""

    head_seconds = HEAD_SECONDS
    unread_seconds = UNREAD_SECONDS
    untaken_seconds = UNTAKEN_SECONDS
    _deadline: asyncio.TimerHandle | None = None
    _has_begun = False
    _head_bytes = 0
    _chunk_bytes = 0
    _refusal: Refusal | None = None
    _expected: Expected | None = None
    _unread_bytes = UNREAD_BYTES
    _ending: asyncio.TimerHandle | None = None
    _bodiless_bytes = 0
    _untaken: Untaken
    _goes_on = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._untaken = Untaken(transport, self.loop, seconds=self.untaken_seconds)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_here()
        if self._ending is not None:
            self._ending.cancel()
        self._untaken.end()
        # uvicorn leaves it where the client reset the connection, and with it all that hangs on this object.
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._ending is not None:
            self._drop(data)
            return
        self._chunk_bytes = len(data)
        self._unset_keepalive_if_required()
        came = self._expected.came() if self._expected is not None else 0
        self._feed(data)
        if self._expected is not None:
            if self._expected.has_come():
                self._expected = None
            elif self._expected.came() == came:
                self._count_bodiless(len(data))
            else:
                self._bodiless_bytes = 0
        if self._expected is None and self.cycle is not None and self.cycle.more_body:
            self._expected = Expected(self.cycle, self._end_unread)
        if self._deadline is None:
            return
        # A header that does not end grows inside the parser, which tells of it when it has ended.
        self._head_bytes += len(data)
        if self._head_bytes > LARGEST_HEAD_BYTES:
            self._refuse(too_large())

    def on_message_begin(self) -> None:
        if self._goes_on:
            return
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: self.transport}  # type: ignore[dict-item]  # ASGI has only dicts there
        self._has_begun = True
        if self._deadline is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        if self._goes_on:
            self._goes_on = False
            return
        self._head_is_here()
        if (refusal := refusal_of(self.parser.get_http_version(), self.url, self.headers)) is not None:
            self._refusal = refusal
            # The parser stops at it, and `send_400_response` is asked for what to say.
            raise ValueError
        if len(self.pipeline) >= MOST_AHEAD:
            raise ValueError
        super().on_headers_complete()
        # Trailers come to the same list: a field that nobody has checked would be taken for a header.
        self.headers = []

    def pause_writing(self) -> None:
        super().pause_writing()
        self._untaken.watch()

    def resume_writing(self) -> None:
        # A connection that is being closed waits for what is left, too.
        if not self.transport.is_closing():
            self._untaken.end()
        super().resume_writing()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._untaken.watch()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._untaken.watch()

    def shutdown(self) -> None:
        if self._expected is not None:
            self._expected.may_stay_open = False
        super().shutdown()

    def give_up(self, successor: Successor) -> set[Any]:
        """The connection is the successor's; this object is done, and all that a request holds can go."""
        self._head_is_here()
        self._unset_keepalive_if_required()
        # From here on it is the successor who looks after what the client leaves unread.
        self._untaken.end()
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

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offered:
            self._go_on(data[offered.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("")

    def _go_on(self, rest: bytes) -> None:
        """Read what follows a request that offers another protocol, or a tunnel. Neither is taken up.

        The parser leaves it to that protocol: it would take the request's body for the next request.
        """
        if framing := framing_of(list(self.cycle.scope["headers"])):
            self.cycle.more_body = True
            self.cycle.message_event.clear()
            self._goes_on = True
            rest = b"POST / HTTP/1.1\r\n%b\r\n\r\n%b" % (framing, rest)
        if rest:
            self._feed(rest)

    def _count_bodiless(self, length: int) -> None:
        """What comes in a body's place and is none of it: trailers, and extensions of chunks."""
        self._bodiless_bytes += length
        if self._bodiless_bytes > LARGEST_HEAD_BYTES:
            self._refuse(too_large())

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
            self._refuse(too_slow(self.head_seconds))
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
        if self.transport.is_closing():
            return
        if not self._is_answering():
            self.transport.write(answer(refusal))
        self.transport.close()
        self._untaken.watch()

    def _is_answering(self) -> bool:
        """Whether an answer has begun, or more are due before: another one would be taken for it, or lie within it."""
        if self.cycle is None or self.cycle.response_complete:
            return bool(self.pipeline)
        return bool(self.pipeline) or self.cycle.response_started
