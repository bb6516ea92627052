"""One connection to Redis for all requests: what is asked within one turn of the event loop leaves in one write.

redis-py's client takes a tenth of a millisecond of CPU for a command, and a request has three of these for everything
(`python -m bench.limits`). So only its parser and packer (hiredis) are used, and its reading of addresses.
"""

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final, cast

import hiredis
from redis.asyncio.connection import SSLConnection, parse_url

Part = str | int | bytes
#: How long a new connection may take to be made and greeted; no request waits for it.
CONNECT_SECONDS: Final = 1.0
#: A loop that stood still reads what has arrived meanwhile before it calls Redis dead.
_SECOND_LOOK_SECONDS: Final = 0.005
_NOTHING: Final = object()


class RedisIsAway(Exception):
    """Redis did not answer in time, or answered that it cannot."""


def packed(*parts: Part) -> bytes:
    """A command as Redis reads it (RESP)."""
    return cast("bytes", hiredis.pack_command(parts))  # type: ignore[arg-type]  # its stub says a tuple of one


class Connection(asyncio.Protocol):
    """A pipeline: commands go out packed, and replies come back in their order."""

    def __init__(self, *, answer_seconds: float) -> None:
        #: The longest wait for a reply, after which the connection is given up.
        self.answer_seconds = answer_seconds
        self.lost = asyncio.Event()
        #: Why it was lost, in one word.
        self.reason = "closed"
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(notEnoughData=_NOTHING)
        self._transport: asyncio.Transport | None = None
        self._unsent: list[bytes] = []
        self._waiting: deque[tuple[asyncio.Future[Any], float]] = deque()
        self._look: asyncio.TimerHandle | None = None
        self._is_suspect = False

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self.lost.is_set()

    def ask(self, command: bytes) -> asyncio.Future[Any]:
        """The reply to a packed command, errors of Redis among them. Raises RedisIsAway, at once or in the future."""
        if not self.is_open:
            raise RedisIsAway
        if not self._unsent:
            self._loop.call_soon(self._send)
        self._unsent.append(command)
        reply: asyncio.Future[Any] = self._loop.create_future()
        now = self._loop.time()
        self._waiting.append((reply, now))
        if self._look is None:
            self._look = self._loop.call_at(now + self.answer_seconds, self._look_at_oldest)
        return reply

    def give_up(self, reason: str) -> None:
        """Close at once; whoever waits is told."""
        if self.is_open:
            self.reason = reason
        if self._transport is not None:
            self._transport.abort()
        self._end()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._is_suspect = False
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not _NOTHING:
                waiting, _ = self._waiting.popleft()
                # Whoever asked may have left meanwhile.
                if not waiting.done():
                    waiting.set_result(reply)
        except (hiredis.ProtocolError, IndexError):
            # What speaks here is no Redis, or says more than it was asked.
            self.give_up("nonsense")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the protocol's
        self._end()

    def _send(self) -> None:
        if self.is_open and self._transport is not None:
            self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    def _look_at_oldest(self) -> None:
        self._look = None
        if not self._waiting:
            return
        due = self._waiting[0][1] + self.answer_seconds
        if due > self._loop.time():
            self._look = self._loop.call_at(due, self._look_at_oldest)
        elif not self._is_suspect:
            self._is_suspect = True
            self._look = self._loop.call_later(_SECOND_LOOK_SECONDS, self._look_at_oldest)
        else:
            self.give_up("silent")

    def _end(self) -> None:
        if self.lost.is_set():
            return
        self.lost.set()
        if self._look is not None:
            self._look.cancel()
        for reply, _ in self._waiting:
            if not reply.done():
                reply.set_exception(RedisIsAway())
        self._waiting.clear()


@dataclass(frozen=True, slots=True)
class Address:
    """Where Redis listens, and how one logs in there: what an address such as `rediss://name:password@host/0` says."""

    host: str
    port: int
    path: str | None
    database: int
    name: str | None
    password: str | None = field(repr=False)
    tls: ssl.SSLContext | None

    @classmethod
    def read(cls, url: str) -> "Address":
        """Raises ValueError, which shows no password."""
        told = cast("dict[str, Any]", parse_url(url))
        where = told.get("host", "localhost"), told.get("port", 6379), told.get("path")
        return cls(*where, told.get("db") or 0, told.get("username"), told.get("password"), _tls(told))

    def greeting(self) -> list[tuple[Part, ...]]:
        """The commands that come first on a connection."""
        log_in: tuple[Part, ...] = tuple(part for part in ("AUTH", self.name, self.password) if part)
        return ([log_in] if self.password else []) + ([("SELECT", self.database)] if self.database else [])


def _tls(told: dict[str, Any]) -> ssl.SSLContext | None:
    if told.get("connection_class") is not SSLConnection:
        return None
    context = ssl.create_default_context(cafile=told.get("ssl_ca_certs"))
    if told.get("ssl_cert_reqs") == "none":
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def connect(address: Address, *first: bytes, answer_seconds: float) -> tuple[Connection, list[Any]]:
    """A connection that has logged in, and the replies to the first commands.

    Raises OSError, TimeoutError or RedisIsAway, within CONNECT_SECONDS.
    """
    async with asyncio.timeout(CONNECT_SECONDS):
        connection = await _opened(address)
        try:
            greeting = [packed(*command) for command in address.greeting()]
            replies = [await connection.ask(command) for command in (*greeting, *first)]
            if refused := [reply for reply in replies if isinstance(reply, hiredis.ReplyError)]:
                raise RedisIsAway(code(refused[0]))
        except BaseException:
            connection.give_up("refused")
            raise
    connection.answer_seconds = answer_seconds
    return connection, replies[len(greeting) :]


async def _opened(address: Address) -> Connection:
    loop = asyncio.get_running_loop()

    def new() -> Connection:
        return Connection(answer_seconds=CONNECT_SECONDS)

    if address.path:
        _, connection = await loop.create_unix_connection(new, address.path)
    else:
        _, connection = await loop.create_connection(new, address.host, address.port, ssl=address.tls)
    return connection


def code(error: hiredis.ReplyError) -> str:
    """The first word of an error, such as NOSCRIPT: the rest may show what was asked."""
    return str(error).partition(" ")[0]
