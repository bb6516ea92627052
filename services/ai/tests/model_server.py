"""A model's server that misbehaves on demand, on a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

STALL = object()
DROP = object()
Usage = dict[str, int] | None


def chunk(text: str | None = None, *, finish: str | None = None, usage: Usage = None) -> dict[str, Any]:
    """One chunk of Chat Completions, as most servers send it."""
    choices = [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]
    shape = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": choices}
    return shape | ({"usage": usage} if usage else {})


def tokens(read: int, written: int) -> dict[str, int]:
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


@dataclass
class Upstream:
    """Answers each request with `status` and what `stream` lists: chunks, raw text, STALL or DROP."""

    url: str = ""
    status: str = "200 OK"
    stream: Sequence[Any] = ()
    requests: list[dict[str, Any]] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    def says(self, *stream: Any, status: str = "200 OK") -> None:
        self.status, self.stream = status, stream
        self.requests.clear()
        self.left.clear()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._read(reader)
            await self._write(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.left.set()
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        lowered = {name.lower(): value for name, value in headers.items()}
        body = await reader.readexactly(int(lowered["content-length"]))
        self.requests.append({"path": head.split()[1], "headers": lowered, "body": json.loads(body)})

    async def _write(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kind = "text/event-stream" if self.status.startswith("200") else "application/json"
        head = f"HTTP/1.1 {self.status}\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(head.encode())
        for item in self.stream:
            if item is DROP:
                writer.transport.abort()
                return
            if item is STALL:
                # Ends when the client hangs up.
                await reader.read()
                self.left.set()
                return
            await _send(writer, item if isinstance(item, str) else f"data: {json.dumps(item)}\n\n")
        writer.write(b"0\r\n\r\n")
        await writer.drain()


async def _send(writer: asyncio.StreamWriter, text: str) -> None:
    data = text.encode()
    writer.write(b"%x\r\n%s\r\n" % (len(data), data))
    await writer.drain()
    await asyncio.sleep(0.01)


@asynccontextmanager
async def an_upstream() -> AsyncIterator[Upstream]:
    upstream = Upstream()
    server = await asyncio.start_server(upstream.take, "127.0.0.1", 0)
    upstream.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield upstream
    finally:
        server.close()
