"""Receivers of webhooks, good and bad, as raw sockets: what they do wrong no HTTP library would let them do."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

#: In the network that the tests allow.
ALLOWED_HOST = "127.0.0.2"
#: Not in it: here listens what must never be reached.
FORBIDDEN_HOST = "127.0.0.1"


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]
    body: bytes


Behavior = Callable[["Request", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answer(status: int, *, headers: str = "", body: str = "") -> Behavior:
    async def behave(_: Request, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        writer.write((head + body).encode())

    return behave


async def hang(_: Request, reader: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """Never answers; ends when the other side does."""
    await reader.read()


async def hang_up(_: Request, __: asyncio.StreamReader, ___: asyncio.StreamWriter) -> None:
    """Closes without an answer."""


async def babble(_: Request, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """No HTTP."""
    writer.write(b"\x16\x03\x01 what? \r\n\r\n" * 10)


async def never_end(_: Request, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """200, and a body without an end."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        await writer.drain()


async def flood_headers(_: Request, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Headers without an end."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while not writer.is_closing():
        writer.write(b"X-More: " + b"x" * 4000 + b"\r\n")
        await writer.drain()


@dataclass
class Receiver:
    """Listens, remembers what came, and behaves as it is told."""

    behavior: Behavior = field(default_factory=lambda: answer(204))
    requests: list[Request] = field(default_factory=list)
    #: Also those that sent nothing.
    connections: int = 0
    port: int = 0
    host: str = ALLOWED_HOST

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/hook"

    @property
    def ids(self) -> list[str]:
        return [request.headers["webhook-id"] for request in self.requests]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            request = await _read(reader)
            self.requests.append(request)
            await self.behavior(request, reader, writer)
            await writer.drain()
        writer.close()


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(first.split(" ")[1], headers, body)


@contextlib.asynccontextmanager
async def receiving(behavior: Behavior | None = None, *, host: str = ALLOWED_HOST) -> AsyncIterator[Receiver]:
    receiver = Receiver(behavior or answer(204), host=host)
    server = await asyncio.start_server(receiver.serve, host, 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
