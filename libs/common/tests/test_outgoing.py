"""Requests to addresses that customers type: how much of an answer is read, and what is said of one that is none."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network

import pytest

from stoa_common.outgoing.client import Answer, AnswerIsTooLong, OutgoingClient, UrlIsRefused, explain, read_url

HOST = "127.0.0.2"


@asynccontextmanager
async def serving(answer: bytes) -> AsyncIterator[str]:
    """A server that answers this to whatever comes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    yield f"http://{HOST}:{server.sockets[0].getsockname()[1]}/"
    server.close()


async def fetch(url: str, *, most_bytes: int) -> Answer:
    client = OutgoingClient(user_agent="tests", timeout_seconds=5, allow_http=True, allowed=[ip_network(f"{HOST}/32")])
    try:
        return await client.fetch("GET", url, headers={}, most_bytes=most_bytes)
    finally:
        await client.close()


async def test_an_answer_is_read_whole() -> None:
    async with serving(b"HTTP/1.1 404 No\r\nX-A: b\r\nContent-Length: 5\r\n\r\nhello") as url:
        answer = await fetch(url, most_bytes=5)

    assert (answer.status, answer.body, answer.headers["X-A"]) == (404, b"hello", "b")


async def test_no_more_is_read_than_was_asked_for() -> None:
    async with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello!") as url:
        with pytest.raises(AnswerIsTooLong) as failure:
            await fetch(url, most_bytes=5)

    assert explain(failure.value) == "The answer is too long."


async def test_a_redirect_is_an_answer_and_no_more() -> None:
    async with serving(b"HTTP/1.1 302 Go\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n") as url:
        assert (await fetch(url, most_bytes=5)).status == 302


@pytest.mark.parametrize(
    ("url", "allow_http"),
    [
        ("http://example.com", False),
        ("ftp://example.com", True),
        ("https://a:b@example.com", True),
        ("https://example.com/#x", True),
        ("https://example.com/a b", True),
        ("https://example.com\\@evil.example", True),
        ("https://", True),
        ("https://[::1", True),
        ("https://example.com:port", True),
        ("https://ex\u0430mple.com", True),
    ],
)
def test_a_url_that_is_none_or_hides_something_is_refused(url: str, allow_http: bool) -> None:
    with pytest.raises(UrlIsRefused):
        read_url(url, allow_http=allow_http)
