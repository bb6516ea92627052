"""The `[limits.<class>]` sections: what they say is what counts, and what says nothing is refused with its place."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_gateway.limits.rates import KINDS, BadLimits, Rate, read_classes
from stoa_gateway.routing.policies import read_policies

COUNTS = st.integers(1, 1_000_000)


def rate_of(text: str, *, scale: float = 1.0) -> Rate:
    return read_classes({"read": {"person": text}}, scale=scale)["read"].rates["person"]


def test_a_rate_is_a_pause_and_a_burst() -> None:
    assert rate_of("600/min") == Rate(interval_us=100_000, burst=600)
    assert rate_of("600/min burst 20") == Rate(interval_us=100_000, burst=20)
    assert rate_of("36_000/h") == Rate(interval_us=100_000, burst=36_000)


@given(COUNTS, st.sampled_from(["s", "min", "h", "day"]), COUNTS)
def test_no_rate_allows_less_than_it_says(count: int, period: str, burst: int) -> None:
    seconds = {"s": 1, "min": 60, "h": 3600, "day": 86_400}[period]

    try:
        rate = rate_of(f"{count}/{period} burst {burst}")
    except BadLimits:
        assert burst * seconds / count > 399 * 86_400
        return

    assert rate.interval_us * count <= seconds * 1_000_000
    assert rate.burst == burst


def test_what_a_window_allows_is_whole_again_after_it() -> None:
    assert rate_of("600/min").window_seconds == 60
    assert rate_of("600/min burst 100").window_seconds == 10
    assert rate_of("10/s burst 1").window_seconds == 1


def test_a_scale_multiplies_rates_and_bursts() -> None:
    assert rate_of("600/min burst 20", scale=10) == Rate(interval_us=10_000, burst=200)
    assert rate_of("600/min burst 20", scale=0.001) == Rate(interval_us=60_000_000, burst=1)


def test_without_scale_nothing_is_limited() -> None:
    classes = read_classes({"read": {"person": "600/min", "cost": 5}}, scale=0)

    assert not classes["read"].rates


def test_a_class_keeps_its_quotas_in_one_order() -> None:
    classes = read_classes({"read": dict.fromkeys(reversed(KINDS), "1/s")})

    assert tuple(classes["read"].rates) == KINDS


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"person": "600"}, 'person: write a rate such as "600/min"'),
        ({"person": "600/week"}, "person: write a rate"),
        ({"person": 600}, "person: write a rate"),
        ({"person": "0/min"}, "person: a rate and its burst are 1 or more"),
        ({"person": "5/min burst 0"}, "person: a rate and its burst are 1 or more"),
        ({"person": "1/day burst 401"}, "person: a burst that takes over"),
        ({"persons": "600/min"}, "persons: a section has address, person, key, organization, everyone and cost"),
        ({"cost": 0}, "cost: write how many units"),
        ({"cost": True}, "cost: write how many units"),
        ({"cost": 5, "key": "60/min burst 4"}, "key: a burst of 4 lets no request pass that costs 5"),
        ("600/min", "write a section with rates"),
    ],
)
def test_a_wrong_section_is_refused_by_its_place(section: Any, told: str) -> None:
    with pytest.raises(BadLimits) as refused:
        read_classes({"read": section})

    assert str(refused.value).startswith("[limits.read]")
    assert told in str(refused.value)


def test_our_own_policies_count_everybody_at_least_by_address() -> None:
    classes = read_classes(read_policies().limits)

    assert [name for name, found in classes.items() if "address" not in found.rates] == []


def test_a_class_has_a_name_that_header_fields_take() -> None:
    with pytest.raises(BadLimits, match="small letters"):
        read_classes({'read"': {}})
