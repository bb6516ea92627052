"""Server-Sent Events as a client sees them: their framing, the heartbeat, and what becomes of a client that sleeps."""

import asyncio
import contextlib
import gc
import socket
from collections.abc import AsyncIterator

import orjson
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from stoa_common import sse
from stoa_common.sse import Bookmark, EventStream, ServerEvent
from stoa_common.testing.serving import a_socket, served


def parsed(text: bytes) -> list[tuple[str, str, str | None]]:
    """(event, data, id) of each event, read as the standard says; only what browsers would tell a page."""
    found: list[tuple[str, str, str | None]] = []
    name, data, last_id = "message", list[str](), None
    for line in text.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "":
            if data:
                found.append((name, "\n".join(data), last_id))
            name, data = "message", []
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif field == "id":
            last_id = value
    return found


json_values = st.recursive(st.none() | st.integers(-(2**53), 2**53) | st.text(), st.lists, max_leaves=5)


@given(json_values)
def test_data_arrive_as_they_were_given(value: object) -> None:
    framed = ServerEvent("delta", value, id="7").encode()

    assert [(name, orjson.loads(data), last) for name, data, last in parsed(framed)] == [("delta", value, "7")]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_json_of_several_lines_stays_one_event(ending: str) -> None:
    text = ending.join(["{", '  "a": 1.10', "}"])

    framed = ServerEvent("x", orjson.Fragment(text.encode())).encode()

    assert parsed(framed) == [("x", '{\n  "a": 1.10\n}', None)]


def test_a_bookmark_moves_the_id_and_shows_nothing() -> None:
    after = ServerEvent("x", 1).encode()

    assert parsed(Bookmark("9").encode() + after) == [("x", "1", "9")]


class Source:
    """Events for as long as they are asked for; knows how many were, and whether it was told of the end."""

    def __init__(self, *, data: str = "x", pause: float = 0) -> None:
        self._data = data
        self._pause = pause
        self.given = 0
        self.ended = asyncio.Event()

    async def events(self) -> AsyncIterator[ServerEvent]:
        try:
            while True:
                await asyncio.sleep(self._pause)
                self.given += 1
                yield ServerEvent("tick", self._data)
        finally:
            self.ended.set()


@contextlib.asynccontextmanager
async def serving(source: Source) -> AsyncIterator[tuple[uvicorn.Server, int]]:
    """A server whose every answer is this source's, and its port."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await EventStream(source.events())(scope, receive, send)

    taken = a_socket()
    async with served(app, taken) as server:
        yield server, taken.getsockname()[1]


async def test_a_silent_stream_has_a_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "HEARTBEAT_SECONDS", 0.05)

    async with serving(Source(pause=3600)) as (_, port), asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in range(2):
            await reader.readuntil(b": heartbeat\n\n")
        writer.close()


async def test_a_source_is_told_when_its_client_leaves() -> None:
    source = Source(pause=0.01)

    async with serving(source) as (_, port), asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"event: tick")
        writer.close()
        await source.ended.wait()


async def test_a_source_that_ends_as_its_client_leaves_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    class Ending(Source):
        async def events(self) -> AsyncIterator[ServerEvent]:
            yield ServerEvent("tick", 1)
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)
            self.ended.set()

    source = Ending()
    async with serving(source) as (_, port), asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"event: tick")
        writer.close()
        await source.ended.wait()
    gc.collect()

    assert "never retrieved" not in caplog.text


async def test_a_client_that_does_not_read_is_cut_and_nothing_piles_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EventStream, "write_seconds", 0.3)
    source = Source(data="x" * 100_000)

    async with serving(source) as (server, port), asyncio.timeout(30):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await source.ended.wait()
            # Although the client has read nothing, and never will: the server has let go of it.
            while server.server_state.connections:  # asked, never told
                await asyncio.sleep(0.02)

    assert 0 < source.given < 200
