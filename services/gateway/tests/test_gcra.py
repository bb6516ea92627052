"""Counting: the rule itself, and that Redis' script decides like it for every sequence of requests."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from stoa_common.ids import new_id
from stoa_common.testing.servers import Servers
from stoa_gateway.limits.domain import Decision, decide
from stoa_gateway.limits.local import LocalCounts
from stoa_gateway.limits.provider import TAKE
from stoa_gateway.limits.rates import Rate

NOW = 1_790_000_000_000_000
MINUTE = 60_000_000
A_MINUTE_EACH = Rate(interval_us=MINUTE, burst=3)
#: Slow enough that no key of the script expires while an example runs.
RATES = st.builds(Rate, interval_us=st.integers(MINUTE, 60 * MINUTE), burst=st.integers(1, 5))
#: Time between two requests; the clock may be put back, too.
STEPS = st.integers(-120 * MINUTE, 240 * MINUTE)


@dataclass
class Model:
    """The rule with memory, as a test keeps it."""

    rates: list[Rate]
    tats: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tats = [0] * len(self.rates)

    def take(self, *, cost: int = 1, now: int) -> Decision:
        decision, self.tats = decide(self.tats, self.rates, cost=cost, now=now)
        return decision


def test_a_burst_passes_and_the_next_waits() -> None:
    model = Model([A_MINUTE_EACH])

    decisions = [model.take(now=NOW) for _ in range(4)]

    assert [decision.wait_us for decision in decisions] == [0, 0, 0, MINUTE]
    assert [decision.remaining for decision in decisions] == [2, 1, 0, 0]


def test_a_unit_comes_back_after_its_interval() -> None:
    model = Model([A_MINUTE_EACH])
    for _ in range(3):
        model.take(now=NOW)

    assert model.take(now=NOW + MINUTE - 1).wait_us == 1
    assert model.take(now=NOW + MINUTE).wait_us == 0
    assert model.take(now=NOW + MINUTE).wait_us == MINUTE


def test_a_refused_request_takes_nothing_of_the_others() -> None:
    model = Model([A_MINUTE_EACH, Rate(interval_us=MINUTE, burst=1)])
    model.take(now=NOW)
    before = list(model.tats)

    refused = model.take(now=NOW)

    assert refused.violated == 0b10
    assert model.tats == before


def test_the_tightest_quota_is_told() -> None:
    decision = Model([A_MINUTE_EACH, Rate(interval_us=MINUTE, burst=2)]).take(now=NOW)

    assert (decision.quota, decision.remaining) == (1, 1)


def test_a_clock_put_back_locks_nobody_out() -> None:
    model = Model([A_MINUTE_EACH])
    model.take(cost=3, now=NOW)

    long_before = NOW - 1000 * MINUTE
    refused = model.take(now=long_before)

    assert refused.wait_us == MINUTE
    assert model.take(now=long_before + MINUTE).wait_us == 0


@given(st.lists(RATES, min_size=1, max_size=5), st.lists(st.tuples(STEPS, st.integers(1, 5)), max_size=30))
def test_who_waits_as_long_as_told_passes(rates: list[Rate], steps: list[tuple[int, int]]) -> None:
    model, now = Model(rates), NOW
    for step, wanted in steps:
        now += step
        cost = min([wanted, *(rate.burst for rate in rates)])
        if (refused := model.take(cost=cost, now=now)).wait_us:
            assert model.take(cost=cost, now=now + refused.wait_us - 1).wait_us == 1
            now += refused.wait_us
            assert model.take(cost=cost, now=now).wait_us == 0


@given(RATES, st.lists(st.integers(0, 120 * MINUTE), min_size=1, max_size=60))
def test_no_time_lets_more_pass_than_its_units_and_a_burst(rate: Rate, pauses: list[int]) -> None:
    model, now = Model([rate]), NOW
    passed = 0
    for pause in pauses:
        now += pause
        passed += not model.take(now=now).wait_us

    assert passed <= rate.burst + (now - NOW) // rate.interval_us


@pytest.fixture(scope="module")
def redis(servers: Servers) -> Iterator[Redis]:
    with Redis.from_url(servers.redis_url) as client:
        yield client


@dataclass
class Script:
    """The script of the gateway, told the time by the test."""

    client: Redis
    rates: list[Rate]
    name: str = field(default_factory=lambda: f"t{new_id().hex}")

    @property
    def keys(self) -> list[str]:
        return [f"{{{self.name}}}:{index}" for index in range(len(self.rates))]

    def take(self, *, cost: int, now: int) -> Decision:
        numbers = [number for rate in self.rates for number in (rate.interval_us, rate.depth_us)]
        script = f"local now = tonumber(ARGV[#ARGV])\n{TAKE}"
        return Decision(*self.client.eval(script, len(self.rates), *self.keys, cost, *numbers, now))

    def tats(self) -> list[int]:
        return [int(kept or 0) for kept in self.client.mget(self.keys)]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rates=st.lists(RATES, min_size=1, max_size=5),
    steps=st.lists(st.tuples(STEPS, st.integers(1, 6)), min_size=1, max_size=15),
)
def test_redis_decides_like_the_rule(redis: Redis, rates: list[Rate], steps: list[tuple[int, int]]) -> None:
    script, model, now = Script(redis, rates), Model(rates), NOW

    for step, cost in steps:
        now += step
        assert script.take(cost=cost, now=now) == model.take(cost=cost, now=now)

    assert script.tats() == model.tats
    redis.delete(*script.keys)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10 * MINUTE)), max_size=100))
def test_this_process_counts_like_the_rule(requests: list[tuple[int, int]]) -> None:
    models: dict[int, Model] = {}
    counts, now = LocalCounts(), NOW
    for who, pause in requests:
        now += pause
        model = models.setdefault(who, Model([A_MINUTE_EACH]))
        assert counts.take([b"%d" % who], [A_MINUTE_EACH], cost=1, now=now) == model.take(now=now)


def test_strangers_do_not_fill_the_memory() -> None:
    counts = LocalCounts(most=80)

    for who in range(1000):
        counts.take([b"%d" % who], [A_MINUTE_EACH], cost=3, now=NOW + who)

    assert len(counts) <= 80
    assert counts.take([b"999"], [A_MINUTE_EACH], cost=1, now=NOW + 1000).wait_us


def test_quotas_that_are_whole_again_are_forgotten_first() -> None:
    counts = LocalCounts(most=10)
    counts.take([b"spent"], [Rate(interval_us=1000 * MINUTE, burst=1)], cost=1, now=NOW)

    for who in range(100):
        counts.take([b"%d" % who], [Rate(interval_us=1, burst=1)], cost=1, now=NOW + 10 * who)

    assert counts.take([b"spent"], [Rate(interval_us=1000 * MINUTE, burst=1)], cost=1, now=NOW + 2000).wait_us
