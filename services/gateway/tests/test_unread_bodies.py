"""Who is refused sends in vain: a body that is announced and has not come is not read, however long it is."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
import pytest
import pytest_asyncio

from stoa_common.ids import new_id
from stoa_common.testing.servers import Servers

from .programs import Gateway, gateways, running

QUICK, KEPT = "/api/v1/content/quick", "/api/v1/content/kept"
GIGABYTE = 1_000_000_000
JSON, ANNOUNCED, CHUNKED = "Content-Type: application/json", f"Content-Length: {GIGABYTE}", "Transfer-Encoding: chunked"
CHUNK = b"186a0\r\n" + bytes(100_000) + b"\r\n"
#: What the gateway drops after its answer, and all that the system's buffers on both sides may take meanwhile.
MOST_SENT = 16_000_000
POLICIES = """
    defaults = { limit_class = "free", max_body_bytes = 2_000_000_000, content_types = ["application/json"] }
    routes = [{ path = "/api/v1/content/quick", only = ["PUT"], limit_class = "none" }]
    limits.free.address = "1000/s"
    limits.none.address = "1/day"
    """


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gateway(servers: Servers, policies_file: Callable[[str], str]) -> AsyncIterator[Gateway]:
    variables = {"GATEWAY_POLICIES": policies_file(POLICIES), "KAFKA_TOPIC_PREFIX": f"t{new_id().hex}."}
    async with running() as content:
        one = Gateway(content.url, servers.redis_url, **variables)
        async with gateways(one):
            yield one


@dataclass
class Upload:
    """A gigabyte that is sent for as long as somebody takes it, and what is answered meanwhile."""

    sent: int = 0
    answer: bytes = b""

    async def run(self, url: str, request_line: str, headers: list[str]) -> None:
        reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
        head = [f"{request_line} HTTP/1.1", "Host: stoa.example", *headers, "", ""]
        writer.write("\r\n".join(head).encode())
        sending = asyncio.create_task(self._send(writer, CHUNK if CHUNKED in headers else bytes(100_000)))
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(65536):
                self.answer += piece
        await sending
        writer.close()

    async def _send(self, writer: asyncio.StreamWriter, piece: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            while self.sent < GIGABYTE:
                writer.write(piece)
                await writer.drain()
                self.sent += len(piece)

    @property
    def head(self) -> bytes:
        return self.answer.partition(b"\r\n\r\n")[0].lower()

    @property
    def refusal(self) -> str:
        told: dict[str, Any] = orjson.loads(self.answer.partition(b"\r\n\r\n")[2])
        return str(told["type"]).removeprefix("urn:stoa:problem:")


async def uploaded(url: str, request_line: str, *headers: str) -> Upload:
    upload = Upload()
    async with asyncio.timeout(30):
        await upload.run(url, request_line, [*headers])
    return upload


@pytest.mark.parametrize(
    ("request_line", "headers", "status", "refusal"),
    [
        (f"POST {KEPT}", [JSON, ANNOUNCED], 401, "unauthenticated"),
        (f"POST {KEPT}", [JSON, CHUNKED], 401, "unauthenticated"),
        (f"POST {KEPT}", [ANNOUNCED], 415, "body-is-of-another-kind"),
        ("POST /api/v1/content/nowhere", [ANNOUNCED], 404, "path-is-unknown"),
        ("POST /api/v1/stream", [ANNOUNCED], 405, "method-not-allowed"),
    ],
)
async def test_a_gigabyte_that_is_refused_is_not_read(
    gateway: Gateway, request_line: str, headers: list[str], status: int, refusal: str
) -> None:
    upload = await uploaded(gateway.url, request_line, *headers)

    assert upload.head.startswith(f"http/1.1 {status}".encode())
    assert upload.refusal == refusal
    assert b"connection: close" in upload.head
    assert upload.sent < MOST_SENT


async def test_who_has_spent_their_quota_sends_in_vain_too(gateway: Gateway) -> None:
    async with aiohttp.ClientSession(gateway.url) as client:
        first = await client.put(QUICK, json={})

    upload = await uploaded(gateway.url, f"PUT {QUICK}", JSON, ANNOUNCED)

    assert first.status == 200
    assert (upload.head[:12], upload.refusal) == (b"http/1.1 429", "quota-is-exceeded")
    assert upload.sent < MOST_SENT


async def test_a_refused_body_that_has_come_leaves_the_connection_open(gateway: Gateway) -> None:
    address = urlsplit(gateway.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = f"POST {KEPT} HTTP/1.1\r\nHost: stoa.example\r\nContent-Type: application/json\r\n"
    request = head.encode() + b"Content-Length: 2\r\n\r\n{}"

    for _ in range(2):
        writer.write(request)
        answer = await asyncio.wait_for(reader.readuntil(b'"errors":[]}'), 10)
        assert answer.startswith(b"HTTP/1.1 401")
        assert b"connection: close" not in answer.lower()
    writer.close()
