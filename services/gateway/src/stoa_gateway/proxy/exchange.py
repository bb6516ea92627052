"""One client's request and connection, as the ASGI server shows them: its body, its patience, and its leaving."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Final

from starlette.types import Receive

from stoa_common.errors import Refusal
from stoa_gateway.proxy.domain import BodyIsSlow, BodyIsTooLarge
from stoa_gateway.proxy.provider import ServiceTimedOut
from stoa_gateway.proxy.trail import Trail
from stoa_gateway.routing.domain import Route

#: Most answers are complete before this; only longer ones need a task that looks after the client.
_WATCH_AFTER_SECONDS: Final = 0.05


class ClientLeft(Exception):
    """The client closed the connection before it had sent its request."""


class ClientIsSlow(Refusal):
    """The client does not take its answer."""

    status, title = 408, "Request timed out"


class Exchange:
    """What is known of a request while it lasts. `refusal` is what ended it early, `has_left` that nobody is there."""

    def __init__(self, receive: Receive, route: Route, *, has_body: bool, trail: Trail) -> None:
        self.trail = trail
        self.has_left = False
        self.refusal: Refusal | None = None
        self._receive = receive
        self._route = route
        self._loop = asyncio.get_running_loop()
        self._has_body = self._has_more = has_body
        self._held = b""
        self._seen = 0
        self._body_ends_at = self._loop.time() + route.policy.body_seconds
        self._connection: asyncio.Timeout | None = None
        self._starting: asyncio.TimerHandle | None = None
        self._watching: asyncio.Task[None] | None = None
        self._is_streaming: asyncio.Event | None = None

    async def read(self, upto: int = 0) -> bytes | None:
        """The body, if it comes whole in its first piece, or within `upto` bytes; None if it has to be streamed.

        Raises ClientLeft, BodyIsSlow, BodyIsTooLarge.
        """
        while self._has_more and len(self._held) <= upto:
            self._held += await self._next()
        return None if self._has_more else self._held

    def body(self) -> bytes | AsyncIterator[bytes] | None:
        """What goes to the service: bytes where `read` has all of them, else pieces as the service takes them."""
        if not self._has_more:
            return self._held if self._has_body else None
        self._is_streaming = asyncio.Event()
        return self._pieces(self._is_streaming)

    def watch(self, connection: asyncio.Timeout) -> None:
        """From now on `connection` expires when the client leaves, or when either side stops taking what is sent."""
        self._connection = connection
        self._starting = self._loop.call_later(_WATCH_AFTER_SECONDS, self._start_watching)

    def unwatch(self) -> None:
        self._connection = None
        if self._starting:
            self._starting.cancel()
        if self._watching:
            self._watching.cancel()

    async def hurry(self, sending: Awaitable[None]) -> None:
        """Send a piece of the answer, which the client takes in time or loses its connection."""
        expiry = self._loop.call_later(self._route.policy.idle_seconds, self._expire, ClientIsSlow("Read faster."))
        try:
            await sending
        finally:
            expiry.cancel()

    async def _next(self) -> bytes:
        """The next piece of the body, as it comes."""
        policy = self._route.policy
        try:
            async with asyncio.timeout(min(policy.idle_seconds, self._body_ends_at - self._loop.time())):
                message = await self._receive()
        except TimeoutError:
            raise BodyIsSlow from None
        if message["type"] == "http.disconnect":
            self.has_left = True
            raise ClientLeft
        piece: bytes = message.get("body", b"")
        self._has_more = message.get("more_body", False)
        self._seen += len(piece)
        if self._seen > policy.max_body_bytes:
            raise BodyIsTooLarge(policy.max_body_bytes)
        return piece

    async def _pieces(self, ended: asyncio.Event) -> AsyncIterator[bytes]:
        """Piece by piece: the next is asked for when the service has taken the last."""
        held, self._held = self._held, b""
        try:
            while True:
                if held:
                    expiry = self._offer()
                    try:
                        yield held
                    finally:
                        expiry.cancel()
                if not self._has_more:
                    return
                held = await self._next()
        except Refusal as refusal:
            # aiohttp tells of it as a failure of its own.
            self.refusal = self.refusal or refusal
            raise
        finally:
            ended.set()

    def _offer(self) -> asyncio.TimerHandle:
        """A service that takes nothing more of a body, for too long, does not answer in time."""
        late = ServiceTimedOut(self._route.service)
        return self._loop.call_later(self._route.policy.idle_seconds, self._expire, late)

    def _start_watching(self) -> None:
        self._watching = self._loop.create_task(self._watch())

    async def _watch(self) -> None:
        """Only when the body is through: until then, whoever reads it sees the client leave."""
        if self._is_streaming:
            await self._is_streaming.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.has_left = True
        self._expire(None)

    def _expire(self, refusal: Refusal | None) -> None:
        if self._connection is not None:
            self.refusal = self.refusal or refusal
            self._connection.reschedule(self._loop.time())
