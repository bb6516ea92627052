"""Forwarding: one request to the service that owns its path, and its answer back, as they come."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp
from starlette.types import Receive, Send

from stoa_gateway.proxy import domain, provider
from stoa_gateway.proxy.provider import AnswerIsBroken

#: Most answers are complete before this; only longer ones need a task that looks after the client.
_WATCH_AFTER_SECONDS = 0.05


class ClientLeft(Exception):
    """The client closed the connection before it had sent its request."""


class Exchange:
    """One client's request and connection, as the ASGI server shows them."""

    def __init__(self, receive: Receive, *, has_body: bool) -> None:
        self._receive = receive
        self._sent = asyncio.Event()
        self.has_left = False
        if not has_body:
            self._sent.set()

    async def body(self) -> AsyncIterator[bytes]:
        """The request's body, piece by piece: the next is asked for when the service has taken the last."""
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.has_left = True
                raise ClientLeft
            more = message.get("more_body", False)
            if piece := message.get("body"):
                yield piece
        self._sent.set()

    @asynccontextmanager
    async def while_connected(self) -> AsyncIterator[None]:
        """Cancels what runs inside when the client closes the connection, and then ends quietly."""
        try:
            async with asyncio.timeout(None) as connection:
                async with self._watched(connection):
                    yield
        except (TimeoutError, AnswerIsBroken):
            # A body that ends early breaks the exchange too, and nobody is left to be told.
            if not self.has_left:
                raise

    @asynccontextmanager
    async def _watched(self, connection: asyncio.Timeout) -> AsyncIterator[None]:
        watches: list[asyncio.Task[None]] = []
        loop = asyncio.get_running_loop()
        start = loop.call_later(_WATCH_AFTER_SECONDS, lambda: watches.append(loop.create_task(self._watch(connection))))
        try:
            yield
        finally:
            start.cancel()
            for watch in watches:
                watch.cancel()

    async def _watch(self, connection: asyncio.Timeout) -> None:
        await self._sent.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.has_left = True
        connection.reschedule(asyncio.get_running_loop().time())


async def forward(
    session: aiohttp.ClientSession,
    exchange: Exchange,
    send: Send,
    *,
    service: str,
    method: str,
    url: str,
    headers: Sequence[tuple[str, str]],
    has_body: bool,
) -> None:
    """Stream the request to the service and the answer to the client; a client that leaves ends both.

    Raises the provider's refusals before the answer has begun. Afterwards a failure of the service cuts the client's
    connection, so that half an answer is not taken for a whole one.
    """
    body = exchange.body() if has_body else None
    async with (
        exchange.while_connected(),
        provider.opened(session, service, method=method, url=url, headers=headers, body=body) as answer,
    ):
        start = {"type": "http.response.start", "status": answer.status}
        await send({**start, "headers": domain.answer_headers(answer.raw_headers)})
        await _send_body(answer.content, send)


async def _send_body(content: aiohttp.StreamReader, send: Send) -> None:
    """Each piece as it arrives; the next is read when the server has taken the last, so a slow client slows it."""
    more = True
    while more:
        piece = await content.readany()
        more = not content.at_eof()
        await send({"type": "http.response.body", "body": piece, "more_body": more})
