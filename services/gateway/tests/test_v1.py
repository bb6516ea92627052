"""`/v1`, the paths of the OpenAI API: an upstream of its own, for whoever has a credential."""

import asyncio
from typing import Any

import pytest

from stoa_common.testing import Identities
from stoa_gateway.routing.domain import PathIsUnknown, Policy, Route, Upstream
from stoa_gateway.routing.table import Table

from .programs import problem

MODEL = "/v1/chat/completions"


def a_table(url: str = "http://models") -> Table:
    upstream = Upstream("v1", url, ("/v1",), is_opaque=True)
    return Table(opaque=[(upstream, [Route("v1", "POST", "/v1/{path}", is_public=False)])])


@pytest.mark.parametrize("path", ["/v1/../admin", "/v1//x", "/v1/a/..", "/v1/./x", "/v1/x/", "/v10", "/v1x/y"])
def test_a_path_that_the_upstream_could_read_otherwise_is_nobodys(path: str) -> None:
    with pytest.raises(PathIsUnknown):
        a_table().match("POST", path)


def test_whatever_is_below_v1_belongs_to_its_upstream() -> None:
    assert a_table().match("POST", "/v1/files/7/content").service == "v1"


def test_paths_below_v1_have_policies_of_their_own() -> None:
    upstream = Upstream("v1", "http://models", ("/v1",), is_opaque=True)
    models, others = Policy(limit_class="models"), Policy(limit_class="others")
    table = Table(
        opaque=[(upstream, [Route("v1", "GET", "/v1/{path}", is_public=False)])],
        policy_of=lambda _, path: models if path == "/v1/models" else others,
    )

    found = [table.match("GET", path) for path in ("/v1/models", "/v1/files")]

    assert [route.policy.limit_class for route in found] == ["models", "others"]
    assert {route.path for route in found} == {"/v1/{path}"}


async def test_without_an_upstream_the_answer_says_which_variable_names_one(http: Any) -> None:
    answer = await http.post(MODEL, json={})

    assert answer.status == 404
    assert "GATEWAY_V1_URL" in (await answer.json(content_type=None))["detail"]
    assert (await http.get("/v1")).status == 404


async def test_with_an_upstream_it_streams_its_answer(open_gateway: Any, raw: Any, identities: Identities) -> None:
    heads: list[bytes] = []

    async def chat(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(head)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: {}\n\n")
        await writer.drain()
        await reader.read(100)
        writer.write(b"data: [DONE]\n\n")
        await writer.drain()

    raw.script = chat
    headers = identities.headers(identities.principal())
    async with open_gateway(v1_url=f"{raw.url}/v1/") as client:
        answer = await client.post(f"{MODEL}?a=1", json={"stream": True}, headers=headers)
        pieces = [await answer.content.readuntil(b"\n\n") for _ in range(2)]

    assert pieces == [b"data: {}\n\n", b"data: [DONE]\n\n"]
    assert heads[0].startswith(b"POST /v1/chat/completions?a=1 HTTP/1.1")


async def test_it_is_for_nobody_without_a_credential(open_gateway: Any, raw: Any) -> None:
    async with open_gateway(v1_url=raw.url) as client:
        answer = await client.post(MODEL, json={})
        told = await problem(answer)
        trace = await client.request("TRACE", MODEL)

    assert (answer.status, told) == (401, "unauthenticated")
    assert trace.status == 405
