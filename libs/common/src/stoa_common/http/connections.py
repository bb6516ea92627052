"""What an answer may do with its connection that ASGI has no message for: close it at once, or keep it for itself."""

import asyncio
from typing import Any, Final, Protocol

from starlette.types import Scope

#: The extension of the ASGI scope that holds the connection's transport. `LimitedHttp` sets it.
TRANSPORT: Final = "stoa.transport"


class Successor(Protocol):
    """Who may have a connection after us: an `asyncio.Protocol` that ends when the server stops."""

    def connection_made(self, transport: asyncio.Transport) -> None: ...
    def pause_writing(self) -> None: ...
    def shutdown(self) -> None: ...


def cut(scope: Scope) -> None:
    """Close the request's connection at once, without waiting for what the client has not read; if the server can.

    What is written to a client that does not read would otherwise keep its socket open for as long as the client likes:
    neither an error nor the end of an answer closes one before all is sent.
    """
    if (transport := scope.get("extensions", {}).get(TRANSPORT)) is not None:
        transport.abort()


def hand_over(scope: Scope, successor: Successor) -> set[Any] | None:
    """Let another protocol write the rest of an answer, in chunks, and end its connection, as an upgrade would.

    Returns the server's open connections: it is among them until it takes itself out, and the server waits for it when
    it stops. None where the client has left already. Needs a server whose connections are `LimitedHttp`.
    """
    transport = scope["extensions"][TRANSPORT]
    if transport.is_closing():
        return None
    connections: set[Any] = transport.get_protocol().give_up(successor)
    return connections


class Untaken:
    """What waits for a client to read it. Who takes nothing of it for so long loses the connection.

    It would otherwise stay open, with all that waits, for as long as the client likes.
    """

    __slots__ = ("_loop", "_seconds", "_timer", "_transport", "_waiting")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, *, seconds: float) -> None:
        self._transport, self._loop, self._seconds = transport, loop, seconds
        self._timer: asyncio.TimerHandle | None = None
        self._waiting = 0

    def watch(self) -> None:
        """From now on, if anything waits."""
        self._waiting = self._transport.get_write_buffer_size()
        if self._waiting and self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._look)

    def end(self) -> None:
        """It is taken, or somebody else looks after it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._transport.get_write_buffer_size() < self._waiting:
            self.watch()
        else:
            self._transport.abort()
