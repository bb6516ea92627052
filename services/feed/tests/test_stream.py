"""The event stream as its subscribers see it: nothing missing, nothing twice, wherever they come back."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import aiohttp
import httpx2
import orjson
import pytest
import pytest_asyncio
from fastapi import FastAPI

from stoa_common import clock
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.pages import encode_cursor
from stoa_common.security import Principal
from stoa_common.testing import Identities
from stoa_common.testing.serving import a_socket, served, url_of
from stoa_events.contracts import LessonPublished
from stoa_feed.events import service, tail

PATH = "/api/v1/feed/events/stream"


@pytest_asyncio.fixture(loop_scope="session")
async def address(app: FastAPI) -> AsyncIterator[str]:
    """The feed behind a real server: a client in memory would wait for the stream's end."""
    taken = a_socket()
    async with served(app, taken):
        yield url_of(taken)


@dataclass
class Told:
    """One event of a stream."""

    name: str
    data: str
    id: str

    @property
    def event(self) -> dict[str, Any]:
        read: dict[str, Any] = orjson.loads(self.data)
        return read


class Stream:
    """What a browser's EventSource does: reads events, and knows the last id."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.last_id = ""

    async def next(self) -> Told | None:
        """The next event; None at the stream's end."""
        name, data = "message", list[str]()
        async for raw in self.answer.content:
            field, _, value = raw.decode().rstrip("\n").partition(": ")
            if field == "id":
                self.last_id = value
            elif field == "event":
                name = value
            elif field == "data":
                data.append(value)
            elif not field and data:
                return Told(name, "\n".join(data), self.last_id)
        return None

    async def take(self, count: int) -> list[Told]:
        async with asyncio.timeout(30):
            found = [await self.next() for _ in range(count)]
        return [told for told in found if told is not None]


@pytest.fixture
def follow(address: str, identities: Identities, admin: Principal) -> Any:
    @contextlib.asynccontextmanager
    async def follow(reader: Principal = admin, last_id: str = "", **query: str) -> AsyncIterator[Stream]:
        headers = identities.headers(reader) | ({"Last-Event-ID": last_id} if last_id else {})
        session = aiohttp.ClientSession(read_bufsize=2**20)
        async with session, session.get(address + PATH, params=query, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            assert answer.content_type == "text/event-stream"
            yield Stream(answer)

    return follow


async def test_an_event_is_told_byte_for_byte_as_the_pull_feed_shows_it(
    client: httpx2.AsyncClient, copy: Any, make: Any, follow: Any, identities: Identities, admin: Principal,
    organization_id: UUID,
) -> None:  # fmt: skip
    value = b'{"b": 1.10, "a":  1e2, "x": "\xc3\xa9"}'
    record = make.record(make.lesson(organization_id), value=value, correlationid="request-1")

    await copy([record])
    async with follow() as stream:
        [told] = await stream.take(1)

    page = await client.get("/api/v1/feed/events", headers=identities.headers(admin))
    assert told.name == LessonPublished.type
    assert page.text == f'{{"items":[{told.data}],"next":"{told.id}"}}'


async def test_a_new_event_reaches_a_waiting_stream(copy: Any, make: Any, follow: Any, organization_id: UUID) -> None:
    records = [make.record(make.lesson(organization_id)) for _ in range(2)]

    async with follow() as stream:
        for record in records:
            await copy([record])
            [told] = await stream.take(1)
            assert told.event["id"] == str(record.envelope.id)


async def test_coming_back_again_and_again_while_events_come_in_misses_none_and_repeats_none(
    copy: Any, make: Any, follow: Any, organization_id: UUID
) -> None:
    chance = random.Random(11)
    streams = [[make.record(make.lesson(organization_id)) for _ in range(60)] for _ in range(3)]
    expected = 180

    async def deliver(records: list[Any]) -> None:
        while records:
            size = chance.randint(1, 6)
            await copy(records[:size])
            del records[:size]

    async def read() -> list[int]:
        seen: list[int] = []
        last_id = ""
        while len(seen) < expected:
            async with follow(last_id=last_id) as stream:
                for told in await stream.take(min(chance.randint(1, 25), expected - len(seen))):
                    seen.append(told.event["feednumber"])
                    last_id = told.id
        return seen

    seen, *_ = await asyncio.wait_for(asyncio.gather(read(), *map(deliver, streams)), 60)

    assert seen == list(range(1, expected + 1))


async def test_many_streams_cost_one_query_at_a_time(
    copy: Any, make: Any, follow: Any, organization_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[UUID]] = []
    last_numbers = service.last_numbers

    async def counted(session: Any, organizations: Any) -> dict[UUID, int]:
        asked.append(list(organizations))
        return await last_numbers(session, organizations)

    monkeypatch.setattr(service, "last_numbers", counted)
    async with contextlib.AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(follow()) for _ in range(8)]
        await copy([make.record(make.lesson(organization_id))])
        told = await asyncio.gather(*(stream.take(1) for stream in streams))

    assert {one.event["feednumber"] for [one] in told} == {1}
    assert all(organizations == [organization_id] for organizations in asked)


async def test_a_filtered_stream_moves_on_past_what_it_leaves_out(
    copy: Any, make: Any, follow: Any, organization_id: UUID
) -> None:
    await copy([make.record(make.lesson(organization_id)) for _ in range(3)])

    async with follow(types="stoa.content.course.imported.v1") as stream:
        async with asyncio.timeout(20):
            line = await stream.answer.content.readline()
    await copy([make.record(make.lesson(organization_id))])
    async with follow(last_id=line.decode().strip().removeprefix("id: ")) as stream:
        [told] = await stream.take(1)

    assert told.event["feednumber"] == 4


async def test_latest_begins_behind_what_is_there(copy: Any, make: Any, follow: Any, organization_id: UUID) -> None:
    await copy([make.record(make.lesson(organization_id)) for _ in range(3)])

    async with follow(start="latest") as stream:
        async with asyncio.timeout(20):
            assert (await stream.answer.content.readline()).startswith(b"id: ")
        await copy([make.record(make.lesson(organization_id))])
        [told] = await stream.take(1)

    assert told.event["feednumber"] == 4


async def test_an_id_older_than_the_feed_holds_is_reset_to_its_end(
    copy: Any, make: Any, follow: Any, database: Database, organization_id: UUID
) -> None:
    await copy([make.record(make.lesson(organization_id)) for _ in range(3)])
    async with follow() as stream:
        [first] = await stream.take(1)
    await prune_all(database)
    await copy([make.record(make.lesson(organization_id))])

    async with follow(last_id=first.id) as stream:
        [reset] = await stream.take(1)
        await copy([make.record(make.lesson(organization_id))])
        [told] = await stream.take(1)

    assert (reset.name, reset.event["type"]) == ("reset", "urn:stoa:problem:place-is-gone")
    assert reset.id == encode_cursor([organization_id, 4])
    assert told.event["feednumber"] == 5


async def prune_all(database: Database) -> None:
    async with database.transaction() as session:
        while await service.prune(session, before=clock.now() + timedelta(minutes=1)):
            pass


async def test_an_id_that_the_feed_lost_is_reset(follow: Any, organization_id: UUID) -> None:
    async with follow(last_id=encode_cursor([organization_id, 7])) as stream:
        [reset] = await stream.take(1)

    assert (reset.name, reset.event["status"]) == ("reset", 422)


async def test_a_stream_ends_with_its_readers_token(follow: Any, admin: Principal) -> None:
    reader = replace(admin, expires_at=float(int(time.time())) + 2)

    async with follow(reader) as stream:
        [last] = await stream.take(1)
        assert await asyncio.wait_for(stream.next(), 10) is None

    assert (last.name, last.event["status"]) == ("error", 401)


async def test_an_organization_has_so_many_streams_and_no_more(
    client: httpx2.AsyncClient, follow: Any, identities: Identities, admin: Principal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(tail, "MOST_STREAMS_OF_ONE", 2)
    stranger = identities.principal("admin", organization_id=new_id())

    async with follow(start="latest") as first, follow(start="latest") as second, asyncio.timeout(30):
        for stream in (first, second):
            await stream.answer.content.readline()
        refused = await client.get(PATH, headers=identities.headers(admin))
        async with follow(stranger, start="latest") as theirs:
            await theirs.answer.content.readline()

    assert refused.status_code == 429
    assert refused.json()["type"] == "urn:stoa:problem:too-many-streams"
    assert refused.headers["Retry-After"]


@pytest.mark.parametrize("last_id", ["x", "WyJhIl0", encode_cursor([new_id(), 1])])
async def test_what_is_no_id_of_this_feed_is_refused(
    client: httpx2.AsyncClient, identities: Identities, admin: Principal, last_id: str
) -> None:
    answer = await client.get(PATH, headers=identities.headers(admin) | {"Last-Event-ID": last_id})

    assert answer.status_code == 422


async def test_an_unknown_type_is_named_before_the_stream_begins(
    client: httpx2.AsyncClient, identities: Identities, admin: Principal
) -> None:
    answer = await client.get(PATH, params={"types": "burned"}, headers=identities.headers(admin))

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "types"


@pytest.mark.parametrize(("role", "status"), [("learner", 403), ("operator", 403), (None, 401)])
async def test_only_admins_follow_the_feed(
    client: httpx2.AsyncClient, identities: Identities, role: str | None, status: int
) -> None:
    headers = identities.headers(identities.principal(role)) if role else {}

    assert (await client.get(PATH, headers=headers)).status_code == status
