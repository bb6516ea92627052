"""Bodies: as long and of the kind that a route takes, in the time that it gives, and never gathered."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_gateway.proxy import domain
from stoa_gateway.proxy.domain import BodyIsOfAnotherKind, BodyIsTooLarge, Head

from .programs import problem, running

ECHO = "/api/v1/content/echo/x"
UPLOADS = "/api/v1/content/uploads"
QUICK = "/api/v1/content/quick"
MEGABYTE = 1_000_000
POLICIES = """
    defaults = { answer_seconds = 20, idle_seconds = 0.6, body_seconds = 3, max_body_bytes = 1000 }
    routes = [
      { path = "/api/v1/content/echo/**", only = ["PUT"], content_types = ["application/json", "image/*"] },
      { path = "/api/v1/content/uploads", max_body_bytes = 500_000_000, idle_seconds = 20, body_seconds = 60 },
      { path = "/api/v1/content/quick", max_body_bytes = 500_000_000, body_seconds = 60 },
    ]
    """


def resident_bytes() -> int:
    """Of this process, in which the gateway and the client run."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


async def said(client: aiohttp.ClientSession, *pieces: bytes) -> bytes:
    """All that the gateway says to these bytes, and how it ends the connection."""
    assert client._base_url is not None
    reader, writer = await asyncio.open_connection(client._base_url.host, client._base_url.port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.05)
    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()
    return answer


async def rest(reader: asyncio.StreamReader) -> int:
    """How much can still be read of a connection that was cut."""
    left = 0
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(20):
            while piece := await reader.read(100_000):
                left += len(piece)
    return left


async def test_a_body_that_is_too_long_is_refused_by_its_announced_length(open_gateway: Any, settings: Any) -> None:
    async with open_gateway(POLICIES, content_url=settings.content_url) as client:
        answer = await client.post(ECHO, data=bytes(1001))
        told = await problem(answer)
        whole = await client.post(ECHO, data=bytes(1000))

    assert (answer.status, told) == (413, "body-is-too-large")
    assert whole.status == 200


async def test_a_body_that_hides_its_length_is_refused_while_it_streams(open_gateway: Any, settings: Any) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield bytes(100)
            await asyncio.sleep(0.005)

    async with open_gateway(POLICIES, content_url=settings.content_url) as client:
        answer = await client.post(ECHO, data=pieces())
        told = await problem(answer)

    assert (answer.status, told) == (413, "body-is-too-large")


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("image/png", 200),
        ("text/html", 415),
        ("application/jsonp", 415),
        ("", 415),
    ],
)
async def test_a_route_takes_the_media_types_that_are_listed(
    open_gateway: Any, settings: Any, content_type: str, status: int
) -> None:
    async with open_gateway(POLICIES, content_url=settings.content_url) as client:
        answer = await client.put(ECHO, data=b"{}", headers={"Content-Type": content_type})
        told = "" if answer.status == 200 else await problem(answer)
        empty = await client.put(ECHO)

    refused = ("body-is-of-another-kind", "application/json, image/*")
    assert answer.status == status
    assert status == 200 or (told, answer.headers["Accept"]) == refused
    assert empty.status == 200


@pytest.mark.parametrize(
    "pieces",
    [
        (b"Content-Length: 100\r\n\r\nhalf",),
        (b"Content-Length: 100\r\n\r\n",),
        (b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",),
    ],
)
async def test_a_body_that_stops_coming_is_given_up(
    open_gateway: Any, settings: Any, pieces: tuple[bytes, ...]
) -> None:
    async with open_gateway(POLICIES, content_url=settings.content_url) as client:
        answer = await said(client, b"POST " + ECHO.encode() + b" HTTP/1.1\r\nHost: x\r\n", *pieces)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"urn:stoa:problem:body-is-slow" in answer
    assert b"connection: close" in answer.lower()


async def test_a_body_that_trickles_is_given_up_when_its_time_is_over(open_gateway: Any, settings: Any) -> None:
    async with open_gateway(POLICIES, content_url=settings.content_url) as client:
        assert client._base_url is not None
        reader, writer = await asyncio.open_connection(client._base_url.host, client._base_url.port)
        writer.write(b"POST " + ECHO.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        answer = asyncio.create_task(reader.read(1000))
        async with asyncio.timeout(30):
            while not answer.done():
                writer.write(b"x")
                await asyncio.sleep(0.2)
        writer.close()

    assert (await answer).startswith(b"HTTP/1.1 408 ")


async def test_a_service_that_stops_taking_a_body_times_out(open_gateway: Any) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield bytes(100_000)

    async with running() as program, open_gateway(POLICIES, content_url=program.url) as client:
        await client.get(QUICK)
        program.send(signal.SIGSTOP)
        answer = await client.post(QUICK, data=pieces())
        told = await problem(answer)
        program.send(signal.SIGCONT)

    assert (answer.status, told) == (504, "service-timed-out")


async def test_two_hundred_megabytes_go_up_without_being_gathered(open_gateway: Any) -> None:
    piece, before, highest = bytes(250_000), resident_bytes(), 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal highest
        for _ in range(800):
            highest = max(highest, resident_bytes())
            yield piece

    async with running() as program, open_gateway(POLICIES, content_url=program.url) as client:
        answer = await client.post(QUICK, data=pieces())
        told = await answer.json()

    assert told["bytes"] == 200 * MEGABYTE
    assert highest - before < 40 * MEGABYTE


async def test_a_slow_service_slows_the_client_instead_of_filling_the_gateway(
    open_gateway: Any, settings: Any, watched: Any
) -> None:
    watched.start()
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 100_000
            yield bytes(100_000)

    async with open_gateway(POLICIES, content_url=settings.content_url) as client:
        upload = asyncio.create_task(client.post(UPLOADS, data=pieces()))
        await asyncio.wait_for(watched.opened.wait(), 10)
        await asyncio.sleep(1)
        sent_while_waiting = sent
        upload.cancel()
        await asyncio.wait_for(watched.ended.wait(), 10)

    assert sent_while_waiting < 30 * MEGABYTE


async def test_a_client_that_stops_reading_is_cut(open_gateway: Any, settings: Any) -> None:
    async with open_gateway(POLICIES, content_url=settings.content_url) as client:
        assert client._base_url is not None
        reader, writer = await asyncio.open_connection(client._base_url.host, client._base_url.port, limit=1000)
        writer.write(b"GET /api/v1/content/flood HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.read(100)
        # Well beyond the gateway's patience, which began when the client's buffers were full.
        await asyncio.sleep(4)
        left = await rest(reader)
        writer.close()

    assert left < 100 * MEGABYTE


types = st.tuples(
    st.sampled_from(["application", "text", "image"]), st.sampled_from(["json", "x+json", "plain", "a+b"])
)


@given(types, st.sampled_from(["", "; charset=utf-8", " ;q=1"]), st.booleans())
def test_a_media_type_is_taken_by_its_name_its_suffix_its_kind_or_any(
    media_type: tuple[str, str], parameters: str, is_upper: bool
) -> None:
    kind, name = media_type
    shown = f"{kind}/{name}".upper() if is_upper else f"{kind}/{name}"
    head = Head(has_body=True, content_type=(shown + parameters).encode())
    suffix = f"{kind}/*+{name.rpartition('+')[2]}"

    for listed in (f"{kind}/{name}", f"{kind}/*", "*/*", *([suffix] if "+" in name else [])):
        domain.check_body(head, max_bytes=0, content_types=("font/woff", listed))
    with pytest.raises(BodyIsOfAnotherKind):
        domain.check_body(
            head, max_bytes=0, content_types=("font/woff", "video/*", f"{kind}/*+none", f"{kind}/{name}x")
        )


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_a_length_is_taken_up_to_the_limit(length: int, limit: int) -> None:
    head = domain.read_head([(b"content-length", str(length).encode())])

    if length > limit:
        with pytest.raises(BodyIsTooLarge, match=str(limit)):
            domain.check_body(head, max_bytes=limit, content_types=("*/*",))
    else:
        domain.check_body(head, max_bytes=limit, content_types=("*/*",))
