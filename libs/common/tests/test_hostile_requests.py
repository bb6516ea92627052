"""What a hostile client writes, so that two readers of it differ or a server keeps it for good."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from starlette.types import Receive, Scope, Send

from stoa_common.http.protocol import MOST_AHEAD, LimitedHttp
from stoa_common.testing.serving import a_socket, served

HOST = b"Host: stoa.example\r\n"
GET = b"GET /here HTTP/1.1\r\n" + HOST
POST = b"POST /here HTTP/1.1\r\n" + HOST
CHUNKED = b"Transfer-Encoding: chunked\r\n"
LARGE = 8_000_000


async def show_request(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the path, the body, and the names of the headers; or with more than buffers hold."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    names = [name.decode() for name, _ in scope["headers"]]
    told = bytes(LARGE) if scope["path"] == "/large" else json.dumps([scope["path"], body.decode(), names]).encode()
    headers = [(b"content-length", str(len(told)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": told})


class Impatient(LimitedHttp):
    """So that a test need not wait."""

    untaken_seconds = 0.3


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[uvicorn.Server]:
    async with served(show_request, a_socket(), http=Impatient) as server:
        yield server


@pytest.fixture
def port(server: uvicorn.Server) -> int:
    return int(server.servers[0].sockets[0].getsockname()[1])


async def said(port: int, *pieces: bytes) -> bytes:
    """All that the server answers until it closes the connection; a last request asks for that."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0.05)
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def shown(answer: bytes) -> list[Any]:
    """What the application saw, request by request."""
    bodies = [part.partition(b"\r\n\r\n")[2] for part in answer.split(b"HTTP/1.1 ")[1:]]
    return [json.loads(body) for body in bodies]


LAST = b"GET /last HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n"


async def test_a_trailer_is_never_taken_for_a_header(port: int) -> None:
    body = b"2\r\nab\r\n0\r\nAuthorization: Bearer stolen\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"

    answer = await said(port, POST + CHUNKED + b"\r\n" + body + LAST)

    assert shown(answer)[0] == ["/here", "ab", ["host", "transfer-encoding"]]


@pytest.mark.parametrize("piece", [b"x: aaaaaaaa\r\n" * 1000, b"a" * 10_000], ids=["trailers", "a trailer without end"])
async def test_trailers_are_as_bounded_as_headers(port: int, piece: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(POST + CHUNKED + b"\r\n2\r\nab\r\n0\r\nx: ")
    answer = b""
    try:
        for _ in range(200):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.001)
        answer = await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        answer = b"cut"
    writer.close()

    assert answer == b"cut" or answer.startswith(b"HTTP/1.1 431")


@pytest.mark.parametrize("offer", [b"Upgrade: h2c\r\nConnection: Upgrade\r\n", b""], ids=["offer", "none"])
@pytest.mark.parametrize("is_together", [True, False])
async def test_a_body_behind_an_offer_of_another_protocol_is_no_request(
    port: int, offer: bytes, is_together: bool
) -> None:
    hidden = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
    head = POST + offer + b"Content-Length: %d\r\n\r\n" % len(hidden)
    pieces = [head + hidden + LAST] if is_together else [head, hidden[:9], hidden[9:] + LAST]

    answer = await said(port, *pieces)

    assert [(path, body) for path, body, _ in shown(answer)] == [("/here", hidden.decode()), ("/last", "")]


async def test_a_body_in_chunks_behind_an_offer_is_none_either(port: int) -> None:
    head = POST + b"Upgrade: h2c\r\nConnection: Upgrade\r\n" + CHUNKED + b"\r\n"

    answer = await said(port, head, b"2\r\nab\r\n", b"0\r\n\r\n" + LAST)

    assert [(path, body) for path, body, _ in shown(answer)] == [("/here", "ab"), ("/last", "")]


async def test_a_request_that_follows_an_offer_is_answered(port: int) -> None:
    answer = await said(port, GET + b"Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n" + LAST)

    assert [path for path, _, _ in shown(answer)] == ["/here", "/last"]


async def test_the_body_of_a_request_for_a_tunnel_is_no_request(port: int) -> None:
    hidden = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"

    answer = await said(
        port, b"CONNECT /here HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(hidden) + hidden + LAST
    )

    assert b"/hidden" in answer
    assert [path for path, _, _ in shown(answer)] == ["/here", "/last"]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /here HTTP/1.1\r\n\r\n", 400),
        (GET + b"Host: other.example\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
        (POST + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n", 400),
        (b"POST /here HTTP/1.0\r\n" + CHUNKED + b"\r\n0\r\n\r\n", 400),
        (b"GET /here HTTP/2.0\r\n" + HOST + b"\r\n", 505),
        (b"GET /here\r\n\r\n", 505),
    ],
)
async def test_what_no_server_of_http_1_1_may_take_is_refused(port: int, head: bytes, status: int) -> None:
    answer = await said(port, head)

    assert answer.startswith(b"HTTP/1.1 %d" % status)
    assert b"application/problem+json" in answer


async def test_nobody_asks_far_ahead_of_the_answers(port: int, server: uvicorn.Server) -> None:
    answer = await said(port, POST + b"Content-Length: 1\r\n\r\na" + (GET + b"\r\n") * 20 + LAST)
    assert answer.count(b"HTTP/1.1 200") == 22

    answer = await said(port, POST + b"Content-Length: 1\r\n\r\na" + (GET + b"\r\n") * 5000 + LAST)

    assert answer.count(b"HTTP/1.1 200") <= MOST_AHEAD


@pytest.mark.parametrize("last", [GET + b"\r\n", b""], ids=["asks on", "asks once"])
async def test_a_client_that_reads_nothing_loses_its_connection(port: int, server: uvicorn.Server, last: bytes) -> None:
    """In whatever state the connection is: being answered, kept for another request, or closing."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
    open_before = len(server.server_state.connections)
    await asyncio.get_running_loop().sock_sendall(client, b"GET /large HTTP/1.1\r\n" + HOST + b"\r\n" + last)

    async with asyncio.timeout(20):
        while len(server.server_state.connections) == open_before == 0:
            await asyncio.sleep(0.02)
        while server.server_state.connections:
            await asyncio.sleep(0.05)
    client.close()


async def test_a_client_that_reads_slowly_keeps_it(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=10_000)
    writer.write(b"GET /large HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n")
    taken = 0
    async with asyncio.timeout(30):
        while piece := await reader.read(400_000):
            taken += len(piece)
            await asyncio.sleep(0.01)
    writer.close()

    assert taken > LARGE
