"""What goes wrong behind the gateway becomes a problem document that names the service, or a connection that breaks."""

import asyncio
import socket
from typing import Any

import aiohttp
import pytest
from fastapi import FastAPI

RAW = "/api/v1/ai/raw"


async def problem_of(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = await answer.json(content_type=None)
    assert problem["status"] == answer.status
    assert problem["instance"] == answer.headers["X-Request-Id"]
    return problem


async def test_a_service_that_never_answered_is_named(http: aiohttp.ClientSession) -> None:
    answer = await http.get("/api/v1/analytics/courses/1")

    problem = await problem_of(answer)

    assert answer.status == 503
    assert answer.headers["Retry-After"]
    assert problem["type"] == "urn:stoa:problem:service-is-down"
    assert "analytics" in problem["detail"]


async def test_a_path_of_nobody_is_not_found(http: aiohttp.ClientSession) -> None:
    answer = await http.get("/api/v1/content/nothing/here")

    assert answer.status == 404
    assert (await problem_of(answer))["type"] == "urn:stoa:problem:path-is-unknown"


async def test_a_wrong_method_is_told_the_right_ones(http: aiohttp.ClientSession) -> None:
    answer = await http.delete("/api/v1/content/echo/x")

    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, HEAD, POST, PUT"
    assert (await problem_of(answer))["type"] == "urn:stoa:problem:method-is-not-allowed"


async def test_a_service_that_takes_too_long_is_a_time_out(http: aiohttp.ClientSession) -> None:
    answer = await http.get("/api/v1/content/sleep")

    assert answer.status == 504
    assert "content" in (await problem_of(answer))["detail"]


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200", b"this is no HTTP\r\n\r\n"])
async def test_a_service_that_hangs_up_or_talks_nonsense_is_a_bad_gateway(
    http: aiohttp.ClientSession, raw: Any, said: bytes
) -> None:
    raw.answers(said)

    answer = await http.post(RAW, data=b"x")

    assert answer.status == 502
    assert "ai" in (await problem_of(answer))["detail"]


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n"],
)
async def test_half_an_answer_is_never_taken_for_a_whole_one(
    http: aiohttp.ClientSession, raw: Any, head: bytes
) -> None:
    raw.answers(head, b"half")

    answer = await http.get(RAW)

    assert answer.status == 200
    with pytest.raises(aiohttp.ClientPayloadError):
        await answer.read()


async def test_a_stream_that_falls_silent_is_cut(http: aiohttp.ClientSession, raw: Any) -> None:
    async def begin_and_hang(_head: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()
        await asyncio.sleep(10)

    raw.script = begin_and_hang

    answer = await http.get(RAW)

    with pytest.raises(aiohttp.ClientPayloadError):
        await answer.read()


async def test_a_service_that_comes_up_later_is_reached_at_once(
    http: aiohttp.ClientSession, late_socket: socket.socket, content_app: FastAPI, served: Any, late_app: FastAPI
) -> None:
    before = await http.get("/api/v1/feed/late")

    async with served(late_app, late_socket):
        during = await http.get("/api/v1/feed/late")
    after = await http.get("/api/v1/feed/late")

    gone = await http.get("/api/v1/feed/never-there")

    assert [before.status, during.status, after.status] == [503, 200, 503]
    assert gone.status == 404, "its routes are known, although it is down"
    assert "feed" in (await problem_of(after))["detail"]
