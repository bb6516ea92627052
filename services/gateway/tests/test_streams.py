"""Streams pass both ways as they come: nothing is gathered, and a client that leaves ends the work behind."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

MEGABYTE = 1_000_000


def resident_bytes() -> int:
    """Of this process, in which the gateway and the services run."""
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * 4096


async def test_the_first_event_arrives_before_the_stream_ends(http: aiohttp.ClientSession) -> None:
    started = time.perf_counter()

    async with http.get("/api/v1/content/events") as answer:
        event = await answer.content.readuntil(b"\n\n")
        waited = time.perf_counter() - started

    assert event == b'event: delta\ndata: {"text":"first"}\n\n'
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert waited < 0.5


async def test_a_client_that_leaves_a_stream_ends_it_at_the_service(http: aiohttp.ClientSession, watched: Any) -> None:
    watched.start()

    async with http.get("/api/v1/content/events") as answer:
        await answer.content.readuntil(b"\n\n")

    await asyncio.wait_for(watched.ended.wait(), 2)


async def test_a_client_that_gives_up_waiting_ends_the_work_at_the_service(url: str, raw: Any) -> None:
    asked, ended = asyncio.Event(), asyncio.Event()

    async def say_nothing(_head: bytes, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        ended.set()

    raw.script = say_nothing
    _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(b"GET /api/v1/ai/raw HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.wait_for(asked.wait(), 2)

    writer.close()

    # Well before the gateway's own time-out would end it.
    await asyncio.wait_for(ended.wait(), 0.5)


async def test_a_client_that_leaves_during_its_upload_ends_it_at_the_service(url: str, watched: Any) -> None:
    watched.start()
    _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(
        b"POST /api/v1/content/uploads HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n" + bytes(200_000)
    )
    await asyncio.wait_for(watched.opened.wait(), 2)

    writer.close()

    await asyncio.wait_for(watched.ended.wait(), 5)
    assert watched.written < 9_000_000


async def test_fifty_megabytes_go_up_without_being_gathered(http: aiohttp.ClientSession) -> None:
    piece = bytes(64 * 1024)
    before = resident_bytes()
    highest = before

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal highest
        for _ in range(800):
            highest = max(highest, resident_bytes())
            yield piece

    answer = await http.post("/api/v1/content/echo/x", data=pieces())

    assert (await answer.json(content_type=None))["bytes"] == 800 * len(piece)
    assert highest - before < 25 * MEGABYTE


async def test_a_slow_client_slows_the_service_instead_of_filling_the_gateway(url: str, watched: Any) -> None:
    watched.start()
    before = resident_bytes()
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        slow.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(slow, ("127.0.0.1", int(url.rpartition(":")[2])))
        await loop.sock_sendall(slow, b"GET /api/v1/content/flood HTTP/1.1\r\nHost: x\r\n\r\n")
        await loop.sock_recv(slow, 1000)
        await asyncio.sleep(1)

        written_while_waiting = watched.written
        grown = resident_bytes() - before

    assert written_while_waiting < 40 * MEGABYTE
    assert grown < 40 * MEGABYTE


async def test_many_streams_at_once_hinder_nobody(http: aiohttp.ClientSession, watched: Any) -> None:
    async with asyncio.timeout(15):
        streams = await asyncio.gather(*(http.get("/api/v1/content/events") for _ in range(150)))
        answer = await http.get("/api/v1/content/echo/x")

    assert answer.status == 200
    assert watched.listeners >= 150
    for stream in streams:
        stream.close()
    async with asyncio.timeout(5):
        while watched.listeners:  # a counter, for which an event would say less
            await asyncio.sleep(0.05)
