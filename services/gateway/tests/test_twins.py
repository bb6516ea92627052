"""Equal writes with one Idempotency-Key, at the same time: the service is asked once, and no key stays behind."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from stoa_common.testing import Identities

from .programs import problem, running

KEPT, SLOW = "/api/v1/content/kept", "/api/v1/content/slow/kept"
POLICIES = """
    defaults = { answer_seconds = 20, idle_seconds = 20, max_body_bytes = 10_000_000, content_types = ["*/*"] }
    """


@dataclass
class Desk:
    """A client of a gateway, for one person."""

    client: aiohttp.ClientSession
    headers: dict[str, str]
    answers: list[aiohttp.ClientResponse] = field(default_factory=list)

    async def write(self, path: str, body: bytes, *, key: str | None = "one", **headers: str) -> dict[str, Any]:
        named = {"Idempotency-Key": key} if key else {}
        answer = await self.client.post(path, data=body, headers={**self.headers, **named, **headers})
        self.answers.append(answer)
        told: dict[str, Any] = await answer.json(content_type=None)
        return told

    @property
    def replayed(self) -> list[bool]:
        return [answer.headers.get("Idempotency-Replayed") == "true" for answer in self.answers]


@pytest_asyncio.fixture(loop_scope="session")
async def program() -> AsyncIterator[Any]:
    async with running() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def client(program: Any, open_gateway: Any) -> AsyncIterator[aiohttp.ClientSession]:
    async with open_gateway(POLICIES, content_url=program.url) as opened:
        await opened.get("/api/v1/content/quick")
        yield opened


@pytest.fixture
def desk(client: aiohttp.ClientSession, identities: Identities) -> Desk:
    return Desk(client, identities.headers(identities.principal()))


async def test_parallel_twins_are_one_request_to_the_service(desk: Desk) -> None:
    told = await asyncio.gather(*(desk.write(f"{SLOW}?1", b"body") for _ in range(8)))

    assert len({answer["asked"] for answer in told}) == 1
    assert sorted(desk.replayed) == [False] + [True] * 7


async def test_a_later_request_asks_the_service_again(desk: Desk) -> None:
    first, second = [await desk.write(KEPT, b"body") for _ in range(2)]

    assert second["asked"] == first["asked"] + 1
    assert desk.replayed == [False, False]


async def test_bodies_queries_and_keys_that_differ_are_not_joined(desk: Desk) -> None:
    told = await asyncio.gather(
        desk.write(f"{SLOW}?1", b"body"),
        desk.write(f"{SLOW}?1", b"bodi"),
        desk.write(f"{SLOW}?1.1", b"body"),
        desk.write(f"{SLOW}?1", b"body", key="two"),
        desk.write(f"{SLOW}?1", b"body", key=None),
        desk.write(f"{SLOW}?1", b"body", key=None),
    )

    assert len({answer["asked"] for answer in told}) == 6


async def test_two_people_with_one_key_are_not_joined(
    desk: Desk, client: aiohttp.ClientSession, identities: Identities
) -> None:
    other = Desk(client, identities.headers(identities.principal()))

    told = await asyncio.gather(desk.write(f"{SLOW}?1", b"body"), other.write(f"{SLOW}?1", b"body"))

    assert len({answer["asked"] for answer in told}) == 2


async def test_who_loses_a_permission_meanwhile_is_not_answered_for_the_others(
    client: aiohttp.ClientSession, identities: Identities
) -> None:
    person = identities.principal()
    weaker = identities.token(person, permissions=["course:read"])
    desks = [Desk(client, identities.headers(person)), Desk(client, {"Authorization": f"Bearer {weaker}"})]

    told = await asyncio.gather(*(each.write(f"{SLOW}?1", b"body") for each in desks))

    assert len({answer["asked"] for answer in told}) == 2


async def test_the_others_are_served_where_the_first_one_leaves(desk: Desk) -> None:
    first = asyncio.create_task(desk.write(f"{SLOW}?2", b"body"))
    await asyncio.sleep(0.4)
    others = [asyncio.create_task(desk.write(f"{SLOW}?2", b"body")) for _ in range(3)]
    await asyncio.sleep(0.4)

    first.cancel()
    told = await asyncio.gather(*others)

    assert len({answer["asked"] for answer in told}) == 1
    assert [answer.status for answer in desk.answers] == [200] * 3


async def test_a_service_that_dies_fails_all_of_them_and_wedges_no_key(desk: Desk, program: Any) -> None:
    twins = [asyncio.create_task(desk.write(f"{SLOW}?3", b"body")) for _ in range(4)]
    await asyncio.sleep(0.6)

    await program.kill()
    await asyncio.gather(*twins)
    told = [await problem(answer) for answer in desk.answers]
    await program.start()
    again = await desk.write(f"{SLOW}?0.1", b"body")

    assert set(told) <= {"answer-is-broken", "service-is-down"}
    assert again["asked"] == 1


async def test_a_long_body_is_forwarded_and_not_held(desk: Desk) -> None:
    body = bytes(3_000_000)

    told = await asyncio.gather(*(desk.write(f"{SLOW}?0.5", body) for _ in range(2)))

    assert [answer["bytes"] for answer in told] == [len(body)] * 2
    assert len({answer["asked"] for answer in told}) == 2


async def test_a_body_that_comes_in_pieces_is_joined_like_one_that_came_whole(desk: Desk) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield bytes(10_000)
            await asyncio.sleep(0.005)

    told = await asyncio.gather(
        desk.write(f"{SLOW}?1.5", bytes(100_000)),
        desk.write(f"{SLOW}?1.5", pieces()),  # type: ignore[arg-type]  # aiohttp streams it
    )

    assert told[0] == told[1]
    assert told[0]["bytes"] == 100_000
