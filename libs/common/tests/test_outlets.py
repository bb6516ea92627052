"""Open answers that others write to: what the client gets, and what becomes of one that does not read or has left."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable

import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from stoa_common import sse
from stoa_common.outlets import Outlet
from stoa_common.sse import ServerEvent, cuttable

Wrap = Callable[[ASGIApp], ASGIApp]
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Desk:
    """Holds the outlets of a server, and tends them."""

    def __init__(self) -> None:
        self.outlets: list[Outlet] = []
        self.opened = asyncio.Event()
        self.ended = asyncio.Event()

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.outlets.append(outlet := Outlet())
        self.opened.set()
        await outlet.serve(scope, receive, send)
        self.ended.set()

    async def tend(self) -> None:
        while True:
            await asyncio.sleep(0.05)
            for outlet in self.outlets:
                outlet.tend(asyncio.get_running_loop().time())


@contextlib.asynccontextmanager
async def serving(desk: Desk, wrap: Wrap) -> AsyncIterator[int]:
    """The port of a server whose every answer is an outlet of the desk."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await desk.answer(scope, receive, send)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(wrap(app), log_config=None, lifespan="off", timeout_graceful_shutdown=1))
        running = [asyncio.create_task(server.serve(sockets=[listener])), asyncio.create_task(desk.tend())]
        try:
            while not server.started:  # asked, never told
                await asyncio.sleep(0.02)
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            running[1].cancel()
            await asyncio.wait(running)


@pytest.fixture(params=["shown", "hidden"])
def wrap(request: pytest.FixtureRequest) -> Wrap:
    """A server that shows its connections, and one that does not."""
    return cuttable if request.param == "shown" else lambda app: app


async def test_what_is_written_arrives_in_order_and_the_answer_ends(wrap: Wrap) -> None:
    desk = Desk()
    async with serving(desk, wrap) as port, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD)
        await desk.opened.wait()
        for number in range(3):
            desk.outlets[0].write(ServerEvent("tick", number, id=str(number)).encode())
            await asyncio.sleep(0.01)
        desk.outlets[0].end()
        desk.outlets[0].write(b"too late")

        text = await reader.readuntil(b"\r\n0\r\n\r\n")
        writer.close()

    assert [text.index(b"data: %d" % n) for n in range(3)] == sorted(text.index(b"data: %d" % n) for n in range(3))
    assert b"text/event-stream" in text
    assert b"too late" not in text


async def test_a_silent_answer_has_a_heartbeat(wrap: Wrap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "HEARTBEAT_SECONDS", 0.1)
    desk = Desk()

    async with serving(desk, wrap) as port, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD)
        for _ in range(2):
            await reader.readuntil(b": heartbeat\n\n")
        writer.close()


async def test_who_leaves_is_noticed(wrap: Wrap) -> None:
    desk = Desk()

    async with serving(desk, wrap) as port, asyncio.timeout(20):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD)
        await desk.opened.wait()
        writer.close()
        await desk.ended.wait()


@pytest.mark.parametrize("limit", ["bytes", "seconds"])
async def test_a_client_that_does_not_read_is_cut(wrap: Wrap, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(Outlet, "write_seconds", 0.3 if limit == "seconds" else 60)
    monkeypatch.setattr(Outlet, "most_waiting", 2**40 if limit == "seconds" else 300_000)
    desk = Desk()

    async with serving(desk, wrap) as port, asyncio.timeout(30):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(HEAD)
            while not desk.ended.is_set():
                await asyncio.sleep(0.005)
                for outlet in desk.outlets:
                    outlet.write(b": " + b"x" * 100_000 + b"\n\n")

    assert not desk.outlets[0]._waiting
