"""Kept answers that are not fresh any more: when they are shown, and when the service is waited for."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent))

from gateway_cache import Cached, a_cache, settled

from stoa_common.errors import Unavailable


@pytest_asyncio.fixture(loop_scope="session")
async def cached() -> AsyncIterator[Cached]:
    async with a_cache() as opened:
        yield opened


async def test_a_stale_answer_is_shown_at_once_and_renewed_behind_it(cached: Cached) -> None:
    await cached.get()
    cached.catalog.says("two")
    cached.wait(11)

    stale = await cached.get()
    await settled()
    fresh = await cached.get()

    assert (stale.body, stale.headers["cache-status"]) == ("one", "stoa; hit; ttl=-1")
    assert (fresh.body, fresh.became) == ("two", "hit")
    assert cached.catalog.asked[1] == {"method": "GET", "if-none-match": '"one"'}


async def test_what_has_not_changed_is_fresh_again(cached: Cached) -> None:
    await cached.get()
    cached.wait(11)

    await cached.get()
    await settled()
    cached.wait(5)
    again = await cached.get()

    assert (again.body, again.headers["age"], again.headers["content-length"]) == ("one", "5", "3")
    assert len(cached.catalog.asked) == 2


async def test_what_is_too_old_to_show_is_waited_for(cached: Cached) -> None:
    await cached.get()
    cached.catalog.says("two")
    cached.wait(31)

    answer = await cached.get()

    assert (answer.body, answer.became) == ("two", "fwd=stale")


@pytest.mark.parametrize("is_down", [True, False])
async def test_a_failing_service_is_covered_for_as_long_as_it_allows(cached: Cached, is_down: bool) -> None:
    await cached.get()
    cached.catalog.is_down, cached.catalog.status = is_down, 503
    cached.wait(60)

    covered = [await cached.get() for _ in range(3)]

    assert [(each.status, each.body) for each in covered] == [(200, "one")] * 3
    # A service that has just failed is left alone for a moment.
    assert len(cached.catalog.asked) == 2


async def test_a_failure_is_shown_once_the_answer_is_too_old(cached: Cached) -> None:
    await cached.get()
    cached.catalog.is_down = True
    cached.wait(111)

    with pytest.raises(Unavailable):
        await cached.get()


async def test_who_waited_for_a_service_that_is_down_waits_no_second_time(cached: Cached) -> None:
    cached.catalog.is_down = True
    cached.catalog.let_go.clear()
    callers = [asyncio.create_task(cached.get()) for _ in range(5)]
    await settled()

    cached.catalog.let_go.set()
    refused = await asyncio.gather(*callers, return_exceptions=True)

    assert [type(each) for each in refused] == [Unavailable] * 5
    assert len(cached.catalog.asked) == 1


async def test_the_rule_shortens_what_an_answer_asks_for(cached: Cached) -> None:
    cached.catalog.says("one", Cache_Control="public, max-age=86400, stale-while-revalidate=86400")
    await cached.get()

    cached.wait(31)
    stale = await cached.get()
    await settled()
    cached.wait(631)

    assert stale.headers["cache-status"] == "stoa; hit; ttl=-1"
    assert (await cached.get()).became == "fwd=stale"
