"""What the gateway keeps of public answers, for how long, and for whom."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent))

from gateway_cache import CHANGED, ORGANIZATION, PATH, Cached, Catalog, Clock, a_cache, settled

from stoa_common.ids import new_id
from stoa_gateway.caching.domain import Purge
from stoa_gateway.caching.flights import LONGEST_ANSWER
from stoa_gateway.caching.service import Cache


@pytest_asyncio.fixture(loop_scope="session")
async def cached() -> AsyncIterator[Cached]:
    async with a_cache() as opened:
        yield opened


async def test_a_second_caller_gets_what_the_first_one_got(cached: Cached) -> None:
    first = await cached.get()
    cached.wait(4)
    second = await cached.get()

    assert [each.body for each in (first, second)] == ["one", "one"]
    assert (first.headers["cache-status"], second.headers["cache-status"]) == (
        "stoa; fwd=miss; fwd-status=200; stored",
        "stoa; hit; ttl=6",
    )
    assert second.headers["age"] == "4"
    assert len(cached.catalog.asked) == 1


async def test_who_waits_for_the_same_is_answered_by_one_request(cached: Cached) -> None:
    cached.catalog.let_go.clear()
    callers = [asyncio.create_task(cached.get()) for _ in range(50)]
    await settled()

    cached.catalog.let_go.set()
    answers = await asyncio.gather(*callers)

    assert {each.body for each in answers} == {"one"}
    assert len(cached.catalog.asked) == 1


async def test_who_leaves_takes_the_answer_from_nobody(cached: Cached) -> None:
    cached.catalog.let_go.clear()
    first, second = asyncio.create_task(cached.get()), asyncio.create_task(cached.get())
    await settled()

    first.cancel()
    await settled()
    cached.catalog.let_go.set()

    assert (await second).body == "one"
    assert len(cached.catalog.asked) == 1


async def test_the_service_is_told_nothing_of_who_asks(cached: Cached) -> None:
    await cached.get(accept_language="de", user_agent="mine", x_forwarded_for="192.0.2.9", host="evil.example")

    assert cached.catalog.asked == [{"method": "GET", "accept-language": "de"}]


@pytest.mark.parametrize(
    "header",
    [
        {"authorization": "Bearer x"},
        {"cookie": "a=b"},
        {"x_api_key": "stoa_x"},
        {"range": "bytes=0-1"},
        {"cache_control": "no-store"},
    ],
)
async def test_what_is_somebodys_request_goes_through(cached: Cached, header: dict[str, str]) -> None:
    await cached.get()

    through = [await cached.get(**header) for _ in range(2)]

    assert [each.became for each in through] == ["fwd=bypass", "fwd=bypass"]
    assert len(cached.catalog.asked) == 3


async def test_nobody_wears_the_service_out_by_asking_for_newer_answers(cached: Cached) -> None:
    await cached.get()

    assert (await cached.get(cache_control="no-cache", pragma="no-cache")).became == "hit"


@pytest.mark.parametrize(
    "headers",
    [
        {"Set_Cookie": "a=b"},
        {"Cache_Control": "private, max-age=60"},
        {"Cache_Control": "no-store"},
        {"Cache_Control": "no-cache, max-age=60"},
        {"Cache_Control": "public"},
        {"Cache_Control": "max-age=nonsense"},
        {"Vary": "*"},
        {"Vary": "Origin"},
    ],
)
async def test_what_is_not_everybodys_is_not_kept(cached: Cached, headers: dict[str, str]) -> None:
    cached.catalog.says("mine", **headers)

    answers = [await cached.get() for _ in range(2)]

    assert [each.body for each in answers] == ["mine", "mine"]
    assert len(cached.catalog.asked) == 2


async def test_who_waited_for_somebody_elses_answer_asks_for_ones_own(cached: Cached) -> None:
    cached.catalog.says("mine", Set_Cookie="a=b")
    cached.catalog.let_go.clear()
    callers = [asyncio.create_task(cached.get()) for _ in range(3)]
    await settled()

    cached.catalog.let_go.set()
    await asyncio.gather(*callers)

    assert len(cached.catalog.asked) == 3


async def test_refusals_are_not_kept(cached: Cached) -> None:
    cached.catalog.status = 404
    assert (await cached.get()).status == 404

    cached.catalog.status = 200

    assert (await cached.get()).status == 200


async def test_head_is_answered_from_get(cached: Cached) -> None:
    head = await cached.get(method="HEAD")
    got = await cached.get()

    assert (head.body, head.headers["content-length"], head.headers["etag"]) == ("", "3", '"one"')
    assert (got.body, got.became) == ("one", "hit")
    assert [each["method"] for each in cached.catalog.asked] == ["GET"]


async def test_who_has_it_is_told_so(cached: Cached) -> None:
    first = await cached.get(if_none_match='W/"one"')
    second = await cached.get(if_none_match='"zero", "one"')
    other = await cached.get(if_none_match='"zero"')

    assert [(each.status, each.body) for each in (first, second, other)] == [(304, ""), (304, ""), (200, "one")]
    assert second.headers.keys() >= {"etag", "cache-control", "age", "cache-status"}
    assert "content-length" not in second.headers
    # The service was asked for all of it, since others want it.
    assert cached.catalog.asked == [{"method": "GET"}]


async def test_an_answer_is_as_old_as_caches_before_this_one_say(cached: Cached) -> None:
    cached.catalog.says("one", Age="4")

    await cached.get()

    assert (await cached.get()).headers["age"] == "4"
    cached.wait(7)
    assert (await cached.get()).headers["cache-status"] == "stoa; hit; ttl=-1"


async def test_each_language_has_its_own_answer(cached: Cached) -> None:
    cached.catalog.says("deutsch", Vary="Accept-Language")
    await cached.get(accept_language="de, en;q=0.5")
    cached.catalog.says("english", Vary="Accept-Language")
    await cached.get(accept_language="en")

    german, english = await cached.get(accept_language="DE,en;q=0.5"), await cached.get(accept_language="en")

    assert [(each.body, each.became) for each in (german, english)] == [("deutsch", "hit"), ("english", "hit")]


async def test_a_packed_answer_is_given_only_to_who_takes_it(cached: Cached) -> None:
    cached.catalog.says("packed", Vary="Accept-Encoding", Content_Encoding="gzip")
    await cached.get(accept_encoding="gzip")
    cached.catalog.headers.pop("Content-Encoding")
    cached.catalog.says("plain", Vary="Accept-Encoding")

    assert (await cached.get()).body == "plain"
    assert (await cached.get(accept_encoding="gzip")).body == "packed"


async def test_other_queries_have_other_answers(cached: Cached) -> None:
    await cached.get()
    cached.catalog.says("second page")

    assert (await cached.get(query="after=x")).body == "second page"
    assert (await cached.get()).body == "one"


async def test_an_event_ends_what_its_organization_shows_and_nothing_else(cached: Cached) -> None:
    other = PATH.replace(ORGANIZATION, str(new_id()))
    await cached.get()
    await cached.get(other)
    cached.catalog.says("two")

    cached.cache.purge(Purge(CHANGED, UUID(ORGANIZATION)))

    assert ((await cached.get()).body, (await cached.get(other)).body) == ("two", "one")


@pytest.mark.parametrize("written", [ORGANIZATION.upper(), ORGANIZATION.replace("-", ""), f"urn:uuid:{ORGANIZATION}"])
async def test_an_id_that_is_written_otherwise_escapes_no_event(cached: Cached, written: str) -> None:
    path = PATH.replace(ORGANIZATION, written)
    await cached.get(path)
    cached.catalog.says("two")

    cached.cache.purge(Purge(CHANGED, UUID(ORGANIZATION)))

    assert (await cached.get(path)).body == "two"


async def test_an_event_of_another_type_ends_nothing(cached: Cached) -> None:
    await cached.get()

    cached.cache.purge(Purge("stoa.content.course.imported.v1", UUID(ORGANIZATION)))

    assert (await cached.get()).became == "hit"


async def test_an_answer_that_was_on_its_way_when_its_event_came_is_not_kept(cached: Cached) -> None:
    cached.catalog.let_go.clear()
    before = asyncio.create_task(cached.get())
    await settled()
    cached.cache.purge(Purge(CHANGED, UUID(ORGANIZATION)))
    cached.catalog.says("two")
    after = asyncio.create_task(cached.get())
    await settled()

    cached.catalog.let_go.set()

    assert ((await before).body, (await after).body, (await cached.get()).body) == ("one", "two", "two")


async def test_what_nobody_asks_for_goes_first_when_there_is_no_room() -> None:
    cached = Cached(Cache(max_bytes=18_000, now=Clock()), Clock(), Catalog())
    cached.catalog.says("x" * 2000)
    await cached.get(query="1")
    await cached.get(query="2")
    await cached.get(query="1")
    for query in ("3", "4"):
        await cached.get(query=query)

    became = [(await cached.get(query=query)).became for query in ("1", "2")]

    assert became == ["hit", "fwd=miss"]


async def test_what_has_no_room_at_all_is_given_and_not_kept() -> None:
    cached = Cached(Cache(max_bytes=0, now=Clock()), Clock(), Catalog())

    answers = [await cached.get() for _ in range(2)]

    assert [(each.body, each.headers["cache-status"]) for each in answers] == [
        ("one", "stoa; fwd=miss; fwd-status=200")
    ] * 2


async def test_a_long_answer_is_not_gathered(cached: Cached) -> None:
    cached.catalog.says("x" * (LONGEST_ANSWER + 1))

    answer = await cached.get()

    assert (len(answer.body), answer.became) == (LONGEST_ANSWER + 1, "fwd=miss")


async def test_clearing_ends_everything(cached: Cached) -> None:
    await cached.get()

    cached.cache.clear()

    assert (await cached.get()).became == "fwd=miss"
