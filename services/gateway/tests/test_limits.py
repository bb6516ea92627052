"""Limits as replicas count them together in Redis, and what clients and operators see of them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import http_sf
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from stoa_common.ids import new_id
from stoa_common.revocation_log import open_redis
from stoa_common.security import Principal
from stoa_common.testing import Identities
from stoa_common.testing.servers import Servers
from stoa_gateway.limits.quotas import QuotaIsExceeded
from stoa_gateway.limits.rates import read_classes
from stoa_gateway.limits.service import Limits, network, opened

PATIENT_SECONDS = 20.0
HOME = "198.51.100.7"
Replica = Callable[..., AbstractAsyncContextManager[Limits]]


@pytest.fixture
def prefix() -> str:
    """Counts that no other test shares."""
    return f"t{new_id().hex}."


@pytest.fixture
def replica(servers: Servers, prefix: str) -> Replica:
    """Opens the limits of one more gateway."""

    @asynccontextmanager
    async def open_one(**sections: dict[str, Any]) -> AsyncIterator[Limits]:
        classes = read_classes(sections)
        async with opened(servers.redis_url, classes, prefix=prefix, answer_seconds=PATIENT_SECONDS) as limits:
            yield limits

    return open_one


@pytest_asyncio.fixture(loop_scope="session")
async def redis(servers: Servers) -> AsyncIterator[Redis]:
    client = open_redis(servers.redis_url, answer_seconds=PATIENT_SECONDS)
    yield client
    await client.aclose()


@pytest.fixture
def somebody(identities: Identities) -> Principal:
    return identities.principal()


async def is_taken(limits: Limits, name: str = "read", **who: Any) -> bool:
    try:
        await limits.take(name, **{"address": HOME, **who})
    except QuotaIsExceeded:
        return False
    return True


async def refusal(limits: Limits, name: str = "read", **who: Any) -> QuotaIsExceeded:
    with pytest.raises(QuotaIsExceeded) as refused:
        await limits.take(name, **{"address": HOME, **who})
    return refused.value


async def fields(limits: Limits, name: str = "read", **who: Any) -> dict[str, Any]:
    """The header fields of an answer, as a client's library of structured fields (RFC 9651) reads them."""
    verdict = await limits.take(name, **{"address": HOME, **who})
    return {field.decode(): http_sf.parse(value, tltype="list") for field, value in verdict.headers}


async def test_two_replicas_let_exactly_the_quota_pass(replica: Replica) -> None:
    async with replica(read={"address": "40/day"}) as one, replica(read={"address": "40/day"}) as other:
        taken = await asyncio.gather(*(is_taken(limits) for _ in range(50) for limits in (one, other)), is_taken(one))

    assert len(taken) == 101
    assert sum(taken) == 40


async def test_each_caller_has_a_quota_of_their_own(replica: Replica, identities: Identities) -> None:
    async with replica(read={"person": "1/day"}) as limits:
        people = [identities.principal() for _ in range(3)]

        assert [await is_taken(limits, principal=one) for one in people] == [True, True, True]
        assert [await is_taken(limits, principal=one) for one in people] == [False, False, False]


async def test_each_class_of_routes_has_quotas_of_its_own(replica: Replica) -> None:
    async with replica(read={"address": "1/day"}, write={"address": "1/day"}) as limits:
        assert await is_taken(limits, "read")
        assert await is_taken(limits, "write")
        assert not await is_taken(limits, "read")


async def test_what_one_quota_refuses_takes_nothing_of_the_others(replica: Replica, somebody: Principal) -> None:
    async with replica(read={"address": "3/day", "person": "1/day"}) as limits:
        assert await is_taken(limits, principal=somebody)
        assert not any([await is_taken(limits, principal=somebody) for _ in range(10)])

        assert [await is_taken(limits) for _ in range(3)] == [True, True, False]


async def test_a_key_an_organization_and_everybody_have_quotas_too(
    replica: Replica, somebody: Principal, identities: Identities
) -> None:
    colleague = identities.principal(organization_id=somebody.organization)
    rates = {"key": "2/day", "organization": "3/day", "everyone": "4/day"}
    async with replica(read=rates) as limits:
        taken = [
            await is_taken(limits, principal=somebody, key_id="k"),
            await is_taken(limits, principal=somebody, key_id="k"),
            await is_taken(limits, principal=somebody, key_id="k"),
            await is_taken(limits, principal=colleague),
            await is_taken(limits, principal=colleague),
            await is_taken(limits),
            await is_taken(limits),
        ]

    assert taken == [True, True, False, True, False, True, False]


async def test_a_costly_class_takes_more_at_once(replica: Replica) -> None:
    async with replica(draft={"address": "10/day", "cost": 4}) as limits:
        assert [await is_taken(limits, "draft") for _ in range(3)] == [True, True, False]


async def test_a_class_without_rates_limits_nothing_and_says_nothing(replica: Replica) -> None:
    async with replica(health={}, read={"person": "1/day"}) as limits:
        assert (await limits.take("health", address=HOME)).headers == []
        assert (await limits.take("read", address=HOME)).headers == []


async def test_an_answer_says_what_is_left(replica: Replica, somebody: Principal) -> None:
    async with replica(read={"address": "600/min", "person": "600/min burst 20"}) as limits:
        told = await fields(limits, principal=somebody)

    assert told["ratelimit-policy"] == [("read-address", {"q": 600, "w": 60}), ("read-person", {"q": 20, "w": 2})]
    assert told["ratelimit"] == [("read-person", {"r": 19, "t": 2})]


async def test_an_answer_says_when_there_is_more(replica: Replica) -> None:
    async with replica(read={"address": "2/h"}) as limits:
        await limits.take("read", address=HOME)
        told = await fields(limits)

    ((name, left),) = told["ratelimit"]
    assert (name, left["r"]) == ("read-address", 0)
    assert 1700 < left["t"] <= 1800


async def test_a_refusal_says_which_quota_and_until_when(replica: Replica, somebody: Principal) -> None:
    async with replica(read={"address": "2/h", "person": "1/h", "organization": "100/h"}) as limits:
        await limits.take("read", address=HOME, principal=somebody)
        refused = await refusal(limits, principal=somebody)

    assert refused.status == 429
    assert refused.members == {"violated-policies": ["read-person"]}
    waits = int(refused.headers["Retry-After"])
    assert 3500 < waits <= 3600
    told = http_sf.parse(refused.headers["RateLimit"].encode(), tltype="list")
    assert told == [("read-person", {"r": 0, "t": waits})]
    assert "by your account" in refused.detail


async def test_who_waits_as_long_as_told_passes(replica: Replica) -> None:
    async with replica(read={"address": "30/min burst 1"}) as limits:
        await limits.take("read", address=HOME)
        refused = await refusal(limits)
        await asyncio.sleep(int(refused.headers["Retry-After"]))

        assert await is_taken(limits)


async def test_redis_shows_nobody_and_forgets_by_itself(
    replica: Replica, redis: Redis, prefix: str, somebody: Principal
) -> None:
    rates = dict.fromkeys(("address", "person", "key", "organization"), "60/h")
    async with replica(read=rates) as limits:
        await limits.take("read", address=HOME, principal=somebody, key_id="0199-key")

    keys = [key async for key in redis.scan_iter(match=f"{prefix}*", count=10_000)]
    assert len(keys) == 4
    shown = "".join(keys)
    assert not [who for who in (HOME, somebody.person_id, somebody.organization, "0199-key") if str(who) in shown]
    assert all([0 < await redis.pttl(key) <= 60_000 for key in keys])


async def test_a_redis_that_lost_the_script_gets_it_again(replica: Replica, redis: Redis) -> None:
    async with replica(read={"address": "40/day"}) as limits:
        await redis.script_flush()
        taken = await asyncio.gather(*(is_taken(limits) for _ in range(50)))

    assert sum(taken) == 40


async def test_clients_that_leave_confuse_nobody(replica: Replica) -> None:
    async with replica(read={"address": "1000/day"}, write={"address": "5/day", "person": "3/day"}) as limits:
        asking = [asyncio.create_task(fields(limits, "read" if at % 2 else "write")) for at in range(10)]
        await asyncio.sleep(0)
        for leaving in asking[::3]:
            leaving.cancel()
        told = await asyncio.gather(*asking, return_exceptions=True)

    names = [None if isinstance(one, BaseException) else one["ratelimit"][0][0] for one in told]
    expected = [None if at % 3 == 0 else "read-address" if at % 2 else "write-address" for at in range(10)]
    assert names == expected


async def test_many_strangers_are_counted_each(replica: Replica) -> None:
    """More than a gateway remembers: whoever is forgotten is counted on, as Redis has the counts."""
    async with replica(read={"address": "1/day"}) as limits:
        strangers = [f"10.0.{one // 250}.{one % 250}" for one in range(5000)]
        for at in range(0, 5000, 500):
            await asyncio.gather(*(limits.take("read", address=who) for who in strangers[at : at + 500]))

        assert not await is_taken(limits, address=strangers[0])


def test_a_household_is_one_address() -> None:
    assert network("2001:db8:1:2:3:4:5:6") == network("2001:db8:1:2::1") == "2001:db8:1:2::/64"
    assert network("2001:db8:1:3::1") != network("2001:db8:1:2::1")
    assert network("::ffff:198.51.100.7") == HOME
    assert network("unix") == "unix"
