"""When a service is asked, and when it is left alone: rules without a clock of their own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_gateway.upstreams.domain import (
    MOST_RETRIES,
    PROBE_SECONDS,
    Backlog,
    BadCapacity,
    Breaker,
    Capacity,
    GatewayIsBusy,
    RetryBudget,
    UpstreamIsResting,
    read_capacities,
)

THREE = Capacity(breaks_after=3, rest_seconds=1, longest_rest_seconds=4)


def an_open_breaker(at: float = 0.0) -> Breaker:
    breaker = Breaker("content", THREE)
    for _ in range(3):
        breaker.failed(at, asked_at=at)
    return breaker


def is_admitted(breaker: Breaker, now: float) -> bool:
    try:
        breaker.admit(now)
    except UpstreamIsResting:
        return False
    return True


def test_failures_in_a_row_open_the_breaker_and_an_answer_between_them_does_not() -> None:
    breaker = Breaker("content", THREE)

    for outcome in (False, False, True, False, False):
        breaker.succeeded() if outcome else breaker.failed(5, asked_at=5)

    assert not breaker.is_open
    breaker.failed(5, asked_at=5)
    assert breaker.is_open


def test_a_refusal_says_when_to_come_again() -> None:
    breaker = an_open_breaker()

    with pytest.raises(UpstreamIsResting) as refused:
        breaker.admit(0.2)

    assert refused.value.status == 503
    assert refused.value.headers["Retry-After"] == "1"
    assert "content" in refused.value.detail


def test_after_the_rest_one_probe_passes_and_the_others_wait_for_its_end() -> None:
    breaker = an_open_breaker()

    admitted = [is_admitted(breaker, 1.1) for _ in range(3)]
    breaker.succeeded()

    assert admitted == [True, False, False]
    assert all(is_admitted(breaker, 1.2) for _ in range(3))


def test_each_failed_probe_doubles_the_rest_up_to_the_longest() -> None:
    breaker, now, rests = an_open_breaker(), 0.0, []
    for _ in range(4):
        start = now
        while not is_admitted(breaker, now):
            now += 0.1
        rests.append(round(now - start))
        breaker.failed(now, asked_at=now)

    assert rests == [1, 2, 4, 4]


def test_what_was_asked_before_the_breaker_opened_does_not_prolong_the_rest() -> None:
    breaker = an_open_breaker(at=10)

    for _ in range(50):
        breaker.failed(10.5, asked_at=2)

    assert is_admitted(breaker, 11.1)


def test_a_probe_that_nobody_waits_for_any_more_gives_way_to_the_next() -> None:
    breaker = an_open_breaker()
    breaker.admit(1.1)

    breaker.abandoned(1.2)

    assert not is_admitted(breaker, 1.3)
    assert is_admitted(breaker, 2.3)


def test_a_probe_without_an_end_gives_way_to_the_next() -> None:
    breaker = an_open_breaker()
    breaker.admit(1.1)

    assert not is_admitted(breaker, 1.1 + PROBE_SECONDS - 0.1)
    assert is_admitted(breaker, 1.1 + PROBE_SECONDS + 0.1)


steps = st.lists(st.tuples(st.sampled_from(["ask", "fail", "succeed", "abandon"]), st.floats(0, 3)), max_size=60)


@given(steps)
def test_whatever_happens_an_open_breaker_admits_one_in_each_rest_and_never_shuts_for_good(
    steps: list[tuple[str, float]],
) -> None:
    breaker, now = Breaker("content", THREE), 100.0
    for step, seconds in steps:
        now += seconds
        match step:
            case "ask":
                was_open = breaker.is_open
                assert is_admitted(breaker, now) or was_open
                assert not (was_open and is_admitted(breaker, now))
            case "fail":
                breaker.failed(now, asked_at=now)
            case "succeed":
                breaker.succeeded()
            case "abandon":
                breaker.abandoned(now)

    assert is_admitted(breaker, now + max(THREE.longest_rest_seconds, PROBE_SECONDS) + 0.1)


@given(st.lists(st.booleans(), max_size=400), st.floats(0, 1))
def test_retries_never_exceed_their_share_of_the_requests(asks: list[bool], share: float) -> None:
    budget, requests, retries = RetryBudget(share), 0, 0

    for is_request in asks:
        if is_request:
            budget.earn()
            requests += 1
        else:
            retries += budget.spend()

    assert retries <= MOST_RETRIES + requests * share + 1e-6


def test_without_a_share_nothing_is_retried() -> None:
    budget = RetryBudget(0)

    budget.earn()

    assert not budget.spend()


def test_a_burst_delays_nobody_and_a_standing_queue_refuses_batch_first() -> None:
    backlog = Backlog(measurements=3)

    backlog.measure(9)
    backlog.measure(0)
    for priority in ("batch", "normal", "high"):
        backlog.ensure_time(priority)

    for _ in range(3):
        backlog.measure(0.7)
    with pytest.raises(GatewayIsBusy):
        backlog.ensure_time("batch")
    backlog.ensure_time("normal")

    for _ in range(3):
        backlog.measure(30)
    with pytest.raises(GatewayIsBusy) as refused:
        backlog.ensure_time("normal")
    backlog.ensure_time("high")
    assert refused.value.headers["Retry-After"]


def test_a_service_has_its_own_capacity_on_top_of_the_default() -> None:
    read = read_capacities(
        {"default": {"max_concurrent": 10, "batch_share": 0.3}, "ai": {"max_concurrent": 3}},
        known=frozenset({"ai", "content"}),
    )

    assert read["content"].places("batch") == 3
    assert read["content"].places("high") == 10
    assert (read["ai"].max_concurrent, read["ai"].places("batch")) == (3, 1)


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"nobody": {}}, "[upstreams.nobody]: there is default, content"),
        ({"content": {"max_concurent": 5}}, "[upstreams.content] max_concurent: there is max_concurrent"),
        ({"content": {"max_concurrent": 0}}, "[upstreams.content] max_concurrent: write a number from 1"),
        ({"content": {"max_concurrent": 1.5}}, "write a whole number"),
        ({"content": {"batch_share": 1.1}}, "batch_share: write a number from 0 to 1"),
        ({"default": {"rest_seconds": "1"}}, "[upstreams.default] rest_seconds: write a number"),
        ({"default": []}, "[upstreams.default]: write a section"),
    ],
)
def test_a_capacity_that_makes_no_sense_is_refused_in_words(sections: dict[str, object], told: str) -> None:
    with pytest.raises(BadCapacity) as bad:
        read_capacities(sections, known=frozenset({"content"}))

    assert told in str(bad.value)
