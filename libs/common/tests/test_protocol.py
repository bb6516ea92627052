"""What a server takes for a request, and how long it waits for one."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from starlette.types import Receive, Scope, Send

from stoa_common.http.protocol import LARGEST_HEAD_BYTES, MOST_HEADERS, LimitedHttp
from stoa_common.testing.serving import a_socket, served

GET = b"GET /here HTTP/1.1\r\nHost: stoa.example\r\n"
POST = b"POST /here HTTP/1.1\r\nHost: stoa.example\r\n"


async def count_bytes(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the path, and how long the body was; of some, none is read."""
    size, more = 0, scope["path"] != "/refused"
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = json.dumps([scope["path"], size]).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Impatient(LimitedHttp):
    """So that a test need not wait."""

    head_seconds = 0.3
    unread_seconds = 0.5


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def port() -> AsyncIterator[int]:
    taken = a_socket()
    async with served(count_bytes, taken, http=Impatient):
        yield taken.getsockname()[1]


async def said(port: int, *pieces: bytes, pause: float = 0.0) -> bytes:
    """All that the server answers until it closes the connection, or has nothing to add."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(pause)
    answer = b""
    try:
        while piece := await asyncio.wait_for(reader.read(65536), 5):
            answer += piece
    except ConnectionResetError:
        pass
    finally:
        writer.close()
    return answer


def problem(answer: bytes) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    assert b"connection: close" in head.lower()
    told: dict[str, Any] = json.loads(body)
    return told


async def test_requests_follow_each_other_on_one_connection(port: int) -> None:
    body = POST + b"Content-Length: 200000\r\n\r\n" + b"x" * 200_000

    answer = await said(port, body + GET + b"\r\n" + GET + b"Connection: close\r\n\r\n")

    assert answer.count(b"HTTP/1.1 200") == 3
    assert b'["/here", 200000]' in answer


REFUSED = b"POST /refused HTTP/1.1\r\nHost: stoa.example\r\n"


@pytest.mark.parametrize(
    "body",
    [b"Content-Length: 4\r\n\r\nbody", b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n", b"\r\n"],
)
async def test_a_body_that_has_come_and_is_not_read_ends_nothing(port: int, body: bytes) -> None:
    answer = await said(port, REFUSED + body, GET + b"Connection: close\r\n\r\n", pause=0.1)

    assert answer.count(b"HTTP/1.1 200") == 2
    assert answer.lower().count(b"connection: close") == 1


@pytest.mark.parametrize("body", [b"Content-Length: 900000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n4\r\n"])
async def test_an_answer_before_the_body_is_the_last_of_its_connection(port: int, body: bytes) -> None:
    answer = await said(port, REFUSED + body, b"body" + GET + b"\r\n", pause=0.1)

    assert answer.count(b"HTTP/1.1 200") == 1
    assert b"connection: close" in answer.lower()
    assert answer.endswith(b'["/refused", 0]')


async def test_who_is_sending_still_gets_the_answer(port: int) -> None:
    """Closing a connection under a sender makes its system forget what has arrived and is not read yet."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REFUSED + b"Content-Length: 600000\r\n\r\n")
    for _ in range(30):
        writer.write(bytes(10_000))
        await asyncio.sleep(0.005)

    answer = await asyncio.wait_for(reader.read(), 5)

    assert answer.endswith(b'["/refused", 0]')
    writer.close()


async def test_what_comes_after_the_answer_is_not_read_for_long(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REFUSED + b"Content-Length: 1000000000\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 5)

    sent = 0
    with contextlib.suppress(ConnectionError):
        while sent < 1_000_000_000:
            writer.write(bytes(100_000))
            await writer.drain()
            sent += 100_000

    assert b"HTTP/1.1 200" in answer
    assert sent < 20_000_000


async def test_a_client_that_waits_for_leave_to_send_is_answered_without(port: int) -> None:
    head = REFUSED + b"Content-Length: 600000\r\nExpect: 100-continue\r\n\r\n"

    answer = await said(port, head)

    assert answer.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in answer.lower()


async def test_an_offer_of_another_protocol_is_no_body(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n")

    answer = await asyncio.wait_for(reader.readuntil(b'["/here", 0]'), 5)

    assert b"connection: close" not in answer.lower()
    writer.close()


async def test_headers_that_come_byte_by_byte_are_not_waited_for(port: int) -> None:
    answer = await said(port, *[bytes([one]) for one in GET[:8]], pause=0.02)

    assert problem(answer)["status"] == 408
    assert problem(answer)["type"] == "urn:stoa:problem:head-is-too-slow"


async def test_a_further_request_is_not_waited_for_either(port: int) -> None:
    answer = await said(port, GET + b"\r\n", b"GET /th", pause=0.1)

    assert answer.count(b"HTTP/1.1 200") == 1
    assert b"HTTP/1.1 408" in answer


async def test_a_connection_that_says_nothing_is_closed_without_a_word(port: int) -> None:
    assert await said(port) == b""


async def test_a_body_may_come_slower_than_headers(port: int) -> None:
    head = POST + b"Content-Length: 4\r\nConnection: close\r\n\r\n"

    answer = await said(port, head, b"ab", b"cd", pause=0.4)

    assert answer.endswith(b'["/here", 4]')


@pytest.mark.parametrize(
    "head",
    [
        GET + b"X: " + b"x" * LARGEST_HEAD_BYTES + b"\r\n\r\n",
        GET + b"X: " + b"x" * 2 * LARGEST_HEAD_BYTES,
        b"GET /" + b"x" * LARGEST_HEAD_BYTES + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        GET + b"X: 1\r\n" * MOST_HEADERS + b"\r\n",
    ],
    ids=["a long header", "a header without an end", "a long path", "many headers"],
)
async def test_more_than_a_client_needs_before_the_body_is_refused(port: int, head: bytes) -> None:
    told = problem(await said(port, head))

    assert (told["status"], told["type"]) == (431, "urn:stoa:problem:head-is-too-large")


@pytest.mark.parametrize(
    "head",
    [
        b"no request at all\r\n\r\n",
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        POST + b"Content-Length: -1\r\n\r\n",
        POST + b"Content-Length: 4x\r\n\r\nabcd",
        POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        GET + b"X: a\x00b\r\n\r\n",
        GET + b" X: folded\r\n\r\n",
        GET + b"X y: z\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_what_two_servers_could_read_in_two_ways_is_refused(port: int, head: bytes) -> None:
    answer = await said(port, head)

    assert problem(answer)["status"] == 400
    assert b"HTTP/1.1 200" not in answer
