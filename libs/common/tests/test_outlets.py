"""Open answers that others write to: what the client gets, and what becomes of one that does not read or has left."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from stoa_common import sse
from stoa_common.outlets import Outlet
from stoa_common.sse import ServerEvent
from stoa_common.testing.serving import a_socket, served

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Desk:
    """Holds the outlets of a server, and tends them."""

    def __init__(self) -> None:
        self.outlets: list[Outlet] = []
        self.opened = asyncio.Event()
        self.ended = asyncio.Event()

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.outlets.append(outlet := Outlet())
        outlet.write(b": early\n\n")
        self.opened.set()
        await outlet.serve(scope, send, headers=[(b"x-seen", b"yes")], closed=self.ended.set)

    async def tend(self) -> None:
        while True:
            await asyncio.sleep(0.05)
            for outlet in self.outlets:
                outlet.tend(asyncio.get_running_loop().time())


@contextlib.asynccontextmanager
async def serving(desk: Desk) -> AsyncIterator[tuple[uvicorn.Server, int]]:
    """A server whose every answer is an outlet of the desk, and its port."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await desk.answer(scope, receive, send)

    taken, tending = a_socket(), asyncio.create_task(desk.tend())
    try:
        async with served(app, taken) as server:
            yield server, taken.getsockname()[1]
    finally:
        tending.cancel()


async def test_what_is_written_arrives_in_order_and_the_answer_ends() -> None:
    desk = Desk()
    async with serving(desk) as (_, port), asyncio.timeout(20):
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
    assert text.index(b": early") < text.index(b"data: 0")
    assert b"x-seen: yes" in text
    assert b"too late" not in text


async def test_a_silent_answer_has_a_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "HEARTBEAT_SECONDS", 0.1)
    desk = Desk()

    async with serving(desk) as (_, port), asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD)
        for _ in range(2):
            await reader.readuntil(b": heartbeat\n\n")
        writer.close()


async def test_who_leaves_is_noticed() -> None:
    desk = Desk()

    async with serving(desk) as (_, port), asyncio.timeout(20):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD)
        await desk.opened.wait()
        writer.close()
        await desk.ended.wait()


@pytest.mark.parametrize("limit", ["bytes", "seconds"])
async def test_a_client_that_does_not_read_is_cut(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(Outlet, "write_seconds", 0.3 if limit == "seconds" else 60)
    monkeypatch.setattr(Outlet, "most_waiting", 2**40 if limit == "seconds" else 300_000)
    desk = Desk()

    async with serving(desk) as (_, port), asyncio.timeout(30):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(HEAD)
            while not desk.ended.is_set():
                await asyncio.sleep(0.005)
                for outlet in desk.outlets:
                    outlet.write(b": " + b"x" * 100_000 + b"\n\n")


async def test_an_answer_that_has_ended_does_not_wait_for_a_client_that_does_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Outlet, "write_seconds", 0.3)
    monkeypatch.setattr(Outlet, "most_waiting", 2**40)
    desk = Desk()

    async with serving(desk) as (server, port), asyncio.timeout(30):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(HEAD)
            await desk.opened.wait()
            desk.outlets[0].write(b": " + b"x" * 8_000_000 + b"\n\n")
            desk.outlets[0].end()
            await desk.ended.wait()

            assert not server.server_state.connections


async def test_a_client_that_goes_on_talking_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Outlet, "most_heard", 10_000)
    desk = Desk()

    async with serving(desk) as (_, port), asyncio.timeout(20):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + HEAD)
        await desk.opened.wait()
        with contextlib.suppress(ConnectionError):
            while not desk.ended.is_set():
                writer.write(b"x" * 5_000)
                await asyncio.sleep(0.02)
        writer.close()

        await desk.ended.wait()


async def test_a_server_that_stops_ends_its_answers() -> None:
    desk = Desk()

    async with asyncio.timeout(20):
        async with serving(desk) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HEAD)
            await reader.readuntil(b": early\n\n")

        assert (await reader.read()).endswith(b"\r\n0\r\n\r\n")
        writer.close()


async def test_an_open_answer_keeps_nothing_of_its_request() -> None:
    desk = Desk()

    async with serving(desk) as (server, port), asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD)
        await reader.readuntil(b": early\n\n")

        assert server.server_state.connections == set(desk.outlets)
        assert not server.server_state.tasks
        writer.close()
