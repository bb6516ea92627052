"""Limits at the door: two gateways that share a Redis are one to their clients."""

import asyncio
from collections import Counter
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, Protocol

import aiohttp
import http_sf
import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr

from stoa_common.ids import new_id
from stoa_common.testing import Identities

OPEN = "/api/v1/content/echo/x"
MINE = "/api/v1/content/mine"
KEPT = "/api/v1/content/kept"
POLICIES = """
[defaults]
answer_seconds = 60.0
idle_seconds = 60.0
content_types = ["*/*"]
limit_class = "few"

[[routes]]
path = "/api/v1/content/mine"
limit_class = "own"

[limits.few]
address = "40/day"

[limits.own]
address = "1000/day"
person = "3/day"
"""


class Opener(Protocol):
    def __call__(self, policies: str = ..., **changed: Any) -> AbstractAsyncContextManager[aiohttp.ClientSession]: ...


@pytest.fixture
def replica(open_gateway: Opener) -> Any:
    """Opens one more gateway of this test's platform."""
    platform = f"t{new_id().hex}."

    def open_one(**changed: Any) -> AbstractAsyncContextManager[aiohttp.ClientSession]:
        patient = {"kafka_topic_prefix": platform, "limits_answer_seconds": 30.0}
        return open_gateway(POLICIES, **patient | changed)

    return open_one


async def test_two_gateways_let_exactly_the_quota_pass(replica: Any) -> None:
    async with replica() as one, replica() as other:
        asked = [client.get(OPEN) for _ in range(50) for client in (one, other)]
        answers = await asyncio.gather(*asked, one.get(OPEN))

    assert Counter(answer.status for answer in answers) == {200: 40, 429: 61}


async def test_a_refusal_is_a_problem_that_says_when_to_come_again(replica: Any, identities: Identities) -> None:
    headers = identities.headers(identities.principal())
    async with replica() as gateway:
        answers = [await gateway.get(MINE, headers=headers) for _ in range(4)]
        refused, problem = answers[-1], await answers[-1].json(content_type=None)

    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert refused.content_type == "application/problem+json"
    assert problem["type"] == "urn:stoa:problem:quota-is-exceeded"
    assert problem["violated-policies"] == ["own-person"]
    assert 28_000 < int(refused.headers["Retry-After"]) <= 28_800
    assert _listed(refused, "RateLimit") == {"own-person": {"r": 0, "t": int(refused.headers["Retry-After"])}}


async def test_every_answer_says_what_is_left(replica: Any, identities: Identities) -> None:
    headers = identities.headers(identities.principal())
    async with replica() as gateway:
        open_to_all, own = await gateway.get(OPEN), await gateway.get(MINE, headers=headers)

    assert _listed(open_to_all, "RateLimit") == {"few-address": {"r": 39, "t": 86_400}}
    assert _listed(own, "RateLimit-Policy") == {
        "own-address": {"q": 1000, "w": 86_400},
        "own-person": {"q": 3, "w": 86_400},
    }


async def test_each_person_behind_one_address_has_their_own(replica: Any, identities: Identities) -> None:
    people = [identities.headers(identities.principal()) for _ in range(3)]
    async with replica() as gateway:
        answers = await asyncio.gather(*(gateway.get(MINE, headers=who) for who in people for _ in range(4)))

    assert Counter(answer.status for answer in answers) == {200: 9, 429: 3}


async def test_who_guesses_is_counted_by_their_address(replica: Any) -> None:
    wrong = {"Authorization": "Bearer not.a.token"}
    async with replica() as gateway:
        answers = await asyncio.gather(*(gateway.post(KEPT, headers=wrong) for _ in range(45)))

    assert Counter(answer.status for answer in answers) == {401: 40, 429: 5}


async def test_refusals_are_counted_for_operators(replica: Any) -> None:
    before = _refused("few-address")
    async with replica() as gateway:
        await asyncio.gather(*(gateway.get(OPEN) for _ in range(45)))

    assert _refused("few-address") == before + 5


async def test_an_operator_turns_limits_off_or_raises_them(replica: Any) -> None:
    async with AsyncExitStack() as stack:
        off = await stack.enter_async_context(replica(limits_scale=0.0))
        answers = await asyncio.gather(*(off.get(OPEN) for _ in range(60)))
        raised = await stack.enter_async_context(replica(limits_scale=10.0))
        told = await raised.get(OPEN)

    assert {answer.status for answer in answers} == {200}
    assert "RateLimit" not in answers[0].headers
    assert _listed(told, "RateLimit-Policy")["few-address"]["q"] == 400


async def test_without_redis_requests_pass_and_are_counted_here(replica: Any) -> None:
    async with replica(redis_url=SecretStr("redis://127.0.0.1:9/0")) as gateway:
        answers = await asyncio.gather(*(gateway.get(OPEN) for _ in range(45)))

    assert Counter(answer.status for answer in answers) == {200: 40, 429: 5}
    assert _listed(answers[0], "RateLimit-Policy") == {"few-address": {"q": 40, "w": 86_400, "stoa-local": True}}


def _listed(answer: aiohttp.ClientResponse, name: str) -> dict[str, dict[str, Any]]:
    told: Any = http_sf.parse(answer.headers[name].encode(), tltype="list")
    return dict(told)


def _refused(quota: str) -> float:
    return REGISTRY.get_sample_value("stoa_gateway_limited_total", {"quota": quota}) or 0.0
