"""Clients that would have a service read their request otherwise than the gateway, or hold its places for nothing."""

import asyncio
import json
import socket
from dataclasses import replace
from typing import Any

import aiohttp
from yarl import URL

from stoa_common.testing import Identities
from stoa_gateway.proxy import twins

ECHO = "/api/v1/content/echo/x"
ONE_PLACE = """
    [defaults]
    idle_seconds = 20
    [upstreams.content]
    max_concurrent = 1
    max_waiting = 1
    wait_seconds = 0.1
    """


async def said(url: str, *pieces: bytes) -> dict[str, Any]:
    """What the service saw of a request that is written by hand."""
    address = URL(url)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(0.05)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    told: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return told


async def settled(client: aiohttp.ClientSession) -> None:
    """Returns when the gateway has answered all that it can: nothing has been added for a while."""
    counted = -1.0
    async with asyncio.timeout(20):
        while counted != (counted := await answered(client)):
            await asyncio.sleep(0.3)


async def answered(client: aiohttp.ClientSession) -> float:
    text = await (await client.get("/metrics")).text()
    lines = [line for line in text.splitlines() if line.startswith("stoa_http_request_duration_seconds_count")]
    return sum(float(line.rpartition(" ")[2]) for line in lines if "/echo/" in line)


async def test_a_length_with_a_space_behind_it_is_a_length(url: str, http: aiohttp.ClientSession) -> None:
    head = f"POST {ECHO} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5 \r\n\r\n".encode()

    told = await said(url, head, b"abcde")

    assert told["bytes"] == 5
    # Nor does the service wait on this connection for what belongs to the next request.
    assert (await (await http.get(ECHO)).json())["bytes"] == 0


async def test_a_service_is_told_the_length_of_what_it_gets(url: str) -> None:
    head = f"POST {ECHO} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0005\r\n\r\n".encode()

    whole, streamed = await said(url, head + b"abcde"), await said(url, head, b"abc", b"de")

    for told in (whole, streamed):
        assert told["bytes"] == 5
        assert [value for name, value in told["headers"] if name == "content-length"] == ["5"]
        assert not [value for name, value in told["headers"] if name == "transfer-encoding"]


async def test_who_leaves_answers_unread_takes_no_place_from_others(open_gateway: Any, settings: Any) -> None:
    async with open_gateway(ONE_PLACE, content_url=settings.content_url) as client:
        address = client._base_url
        hostile = socket.socket()
        hostile.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        hostile.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(hostile, (address.host, address.port))
        # The service says what it is asked: together these answers are more than all buffers between hold.
        asked = f"GET {ECHO}?{'x' * 30_000} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        sending = asyncio.create_task(loop.sock_sendall(hostile, asked * 400))
        await settled(client)

        answer = await client.get(ECHO)

        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        hostile.close()
    assert answer.status == 200


def test_twins_have_the_same_powers_in_all_that_their_tokens_say(identities: Identities) -> None:
    person = identities.principal()
    others = [
        replace(person, authenticated_at=1.0),
        replace(person, actor=str(person.person_id)),
        replace(person, methods=frozenset({"imp"})),
    ]

    keys = {twins.twin_key(caller, "POST", "/x", b"key", b"body") for caller in (person, *others)}

    assert len(keys) == 4
