"""Requests and answers pass the gateway as they are."""

import asyncio
import gzip
import hashlib
from typing import Any

import aiohttp
import pytest
from yarl import URL

from stoa_common.testing import Identities

RAW = "/api/v1/ai/raw"


async def echoed(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    body: dict[str, Any] = await answer.json(content_type=None)
    return body


async def test_path_and_query_arrive_as_the_client_wrote_them(http: aiohttp.ClientSession, url: str) -> None:
    written = URL(f"{url}/api/v1/content/echo/a%20b%C3%A9%3A?x=1+2&x=%2F&empty=", encoded=True)

    body = await echoed(await http.get(written))

    assert body["target"] == ["/api/v1/content/echo/a%20b%C3%A9%3A", "x=1+2&x=%2F&empty="]


async def test_head_tells_what_get_would_without_the_body(http: aiohttp.ClientSession) -> None:
    told = await http.get("/api/v1/content/flood")
    head = await http.head("/api/v1/content/flood")
    told.close()

    assert (head.status, await head.read()) == (200, b"")
    assert head.headers["Content-Type"] == told.headers["Content-Type"]


@pytest.mark.parametrize("path", ["echo/..%2Finternal%2Fsecrets", "echo/%2e%2e", "echo/x%2Fy", "echo%2F"])
async def test_an_encoded_path_is_checked_as_the_service_will_read_it(
    http: aiohttp.ClientSession, url: str, path: str
) -> None:
    answer = await http.get(URL(f"{url}/api/v1/content/{path}", encoded=True))

    assert answer.status == 404
    assert (await answer.json(content_type=None))["type"] == "urn:stoa:problem:path-is-unknown"


async def test_the_service_learns_who_the_client_is_from_the_gateway_alone(http: aiohttp.ClientSession) -> None:
    claims = {"X-Forwarded-For": "10.1.1.1", "X-Real-IP": "10.1.1.1", "X-Stoa-Person-Id": "1", "Forwarded": "for=1"}

    body = await echoed(await http.get("/api/v1/content/echo/x", headers=claims))

    told = dict(body["headers"])
    assert told["x-forwarded-for"] == "127.0.0.1"
    assert told["x-forwarded-host"].startswith("127.0.0.1:")
    assert not {"x-real-ip", "x-stoa-person-id", "forwarded"} & set(told)


async def test_one_request_id_goes_to_the_service_and_back_to_the_client(http: aiohttp.ClientSession) -> None:
    answer = await http.get("/api/v1/content/echo/x", headers={"X-Request-Id": "my-request-1"})

    told = dict((await echoed(answer))["headers"])

    assert told["x-request-id"] == "my-request-1"
    assert answer.headers.getall("X-Request-Id") == ["my-request-1"]


async def test_a_trace_goes_on_in_the_service(http: aiohttp.ClientSession) -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"

    answer = await http.get("/api/v1/content/echo/x", headers={"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"})

    told = [value for name, value in (await echoed(answer))["headers"] if name == "traceparent"]
    assert len(told) == 1
    assert told[0].split("-")[1] == trace_id


async def test_a_body_arrives_whole_with_its_length_or_in_chunks(http: aiohttp.ClientSession) -> None:
    body = b"0123456789" * 100_000

    async def chunks() -> Any:
        for at in range(0, len(body), 70_000):
            yield body[at : at + 70_000]

    whole = await echoed(await http.post("/api/v1/content/echo/x", data=body))
    chunked = await echoed(await http.put("/api/v1/content/echo/x", data=chunks()))

    for arrived in (whole, chunked):
        assert arrived["sha256"] == hashlib.sha256(body).hexdigest()
    assert dict(whole["headers"])["content-length"] == str(len(body))
    assert dict(chunked["headers"])["transfer-encoding"] == "chunked"


async def test_the_key_of_an_idempotent_write_is_only_handed_on(http: aiohttp.ClientSession) -> None:
    headers = {"Idempotency-Key": "one"}

    first = await echoed(await http.post("/api/v1/content/echo/x", data=b"a", headers=headers))
    second = await echoed(await http.post("/api/v1/content/echo/x", data=b"b", headers=headers))

    assert dict(first["headers"])["idempotency-key"] == dict(second["headers"])["idempotency-key"] == "one"
    assert first["sha256"] != second["sha256"]


async def test_a_packed_answer_stays_packed(http: aiohttp.ClientSession, raw: Any, raw_answer: Any) -> None:
    packed = gzip.compress(b'{"text": "hello"}')
    raw.answers(raw_answer(packed, b"Content-Encoding: gzip", b"ETag: W/abc"))

    answer = await http.get(RAW)

    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["ETag"] == "W/abc"
    assert await answer.read() == packed


async def test_status_and_repeated_headers_come_back(http: aiohttp.ClientSession, raw: Any, raw_answer: Any) -> None:
    raw.answers(raw_answer(b"short and stout", b"Set-Cookie: a=1", b"Set-Cookie: b=2", status=b"418 I am a teapot"))

    answer = await http.get(RAW)

    assert answer.status == 418
    assert answer.headers.getall("Set-Cookie") == ["a=1", "b=2"]
    assert len(answer.headers.getall("Date")) == 1
    assert await answer.read() == b"short and stout"


async def test_a_cookie_of_one_client_never_reaches_the_next(
    http: aiohttp.ClientSession, raw: Any, raw_answer: Any
) -> None:
    heads: list[bytes] = []

    async def set_cookie(head: bytes, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(head)
        writer.write(raw_answer(b"", b"Set-Cookie: session=mine; Path=/"))

    raw.script = set_cookie
    await http.get(RAW)
    await http.get(RAW)

    assert len(heads) == 2
    assert b"session=mine" not in heads[1]


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_an_answer_without_a_body_has_none(http: aiohttp.ClientSession, raw: Any, status: bytes) -> None:
    raw.answers(b"HTTP/1.1 " + status + b"\r\nETag: x\r\nConnection: close\r\n\r\n")

    answer = await http.get(RAW)

    assert answer.status == int(status[:3])
    assert answer.headers["ETag"] == "x"
    assert await answer.read() == b""


async def test_head_shows_the_length_and_sends_nothing(http: aiohttp.ClientSession, raw: Any) -> None:
    raw.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nConnection: close\r\n\r\n")

    answer = await http.head(RAW)

    assert answer.headers["Content-Length"] == "1234"
    assert await answer.read() == b""


async def test_a_redirect_is_the_clients_to_follow(http: aiohttp.ClientSession, raw: Any, raw_answer: Any) -> None:
    raw.answers(raw_answer(b"", b"Location: /api/v1/content/echo/x", status=b"307 Temporary Redirect"))

    answer = await http.get(RAW, allow_redirects=False)

    assert (answer.status, answer.headers["Location"]) == (307, "/api/v1/content/echo/x")


async def test_headers_of_the_services_connection_end_at_the_gateway(
    http: aiohttp.ClientSession, raw: Any, raw_answer: Any
) -> None:
    raw.answers(raw_answer(b"ok", b"Keep-Alive: timeout=5", b"X-Own: 1", b"Connection: X-Own", b"Server: secret/1.0"))

    answer = await http.get(RAW)

    assert not {"Keep-Alive", "X-Own", "Server"} & set(answer.headers)
    assert await answer.read() == b"ok"


async def test_a_service_that_refuses_before_the_body_is_sent_is_heard(
    http: aiohttp.ClientSession, raw: Any, raw_answer: Any
) -> None:
    async def refuse(_head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw_answer(b"too large", status=b"413 Content Too Large"))
        await writer.drain()
        # As servers do: read a while longer, for a client that has not seen the answer yet.
        await asyncio.sleep(0.2)
        await reader.read(10_000_000)

    raw.script = refuse

    answer = await http.post(RAW, data=bytes(3_000_000))

    assert answer.status == 413
    assert await answer.read() == b"too large"


async def test_the_token_goes_on_because_the_service_verifies_it_again(
    http: aiohttp.ClientSession, identities: Identities
) -> None:
    headers = identities.headers(identities.principal("learner"))

    answer = await http.get("/api/v1/content/mine", headers=headers)

    assert (answer.status, await answer.json()) == (200, {"mine": "yes"})
