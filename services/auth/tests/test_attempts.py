"""Guessing gets slower, and nobody is locked out by somebody else."""

from datetime import UTC, datetime, timedelta

import pytest

from stoa_auth.accounts.domain import CredentialsAreWrong
from stoa_auth.attempts import domain
from stoa_auth.attempts.domain import Count, Limits

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LIMITS = Limits(
    free=3, longest=timedelta(minutes=15), network_free=50, network_longest=timedelta(seconds=60), secret="s" * 32
)
KEYS = domain.keys("ada@example.org", "203.0.113.7", secret=LIMITS.secret)


def a_count(
    failures: float, *, wait: float = 0, succeeded_at: datetime | None = None, counted_at: datetime = NOON
) -> Count:
    return Count(failures, counted_at, NOON + timedelta(seconds=wait), succeeded_at)


def test_the_first_failures_cost_nothing_and_then_each_twice_as_much() -> None:
    waits = [domain.delay(n, free=3, longest=timedelta(seconds=10)).total_seconds() for n in range(1, 9)]

    assert waits == [0, 0, 1, 2, 4, 8, 10, 10]


def test_an_account_that_strangers_fail_at_keeps_the_owners_network_free() -> None:
    attempt = domain.begin({KEYS.account: a_count(1000)}, KEYS, LIMITS, at=NOON)

    # The owner's first try passes; a network that failed there once waits already.
    assert attempt.is_admitted
    assert domain.pair_delay(1, attempt, LIMITS) == timedelta(seconds=1)
    assert domain.pair_delay(1, domain.begin({}, KEYS, LIMITS, at=NOON), LIMITS) == timedelta()


def test_who_must_wait_is_told_how_long() -> None:
    with pytest.raises(domain.TooManyFailures) as refusal:
        domain.begin({KEYS.pair: a_count(9, wait=12.2)}, KEYS, LIMITS, at=NOON)

    assert refusal.value.headers["Retry-After"] == "13"


def test_a_waiting_network_still_logs_in_where_it_has_been_before() -> None:
    network = a_count(60, wait=30)

    known = domain.begin({KEYS.network: network, KEYS.pair: a_count(0, succeeded_at=NOON)}, KEYS, LIMITS, at=NOON)
    unknown = domain.begin({KEYS.network: network}, KEYS, LIMITS, at=NOON)

    assert (known.is_admitted, unknown.is_admitted) == (True, False)


def test_where_a_network_has_logged_in_before_is_told_to_nobody() -> None:
    network, wrong = a_count(60, wait=30), CredentialsAreWrong()

    refusals = [
        domain.refusal(domain.begin({KEYS.network: network} | pair, KEYS, LIMITS, at=NOON), wrong)
        for pair in ({}, {KEYS.pair: a_count(0, succeeded_at=NOON)})
    ]

    assert [(type(each), each.detail) for each in refusals] == [(domain.TooManyFailures, refusals[0].detail)] * 2


def test_an_attack_is_forgotten_within_an_hour() -> None:
    count = a_count(domain.account_room(LIMITS))

    assert domain.left(count, per_hour=domain.account_room(LIMITS), at=NOON + timedelta(minutes=30)) == pytest.approx(
        domain.account_room(LIMITS) / 2
    )
    assert domain.left(count, per_hour=domain.account_room(LIMITS), at=NOON + timedelta(hours=1)) == 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        (None, "unknown"),
        ("not an address", "unknown"),
    ],
)
def test_a_network_is_what_one_client_has(address: str | None, network: str) -> None:
    assert domain.network_of(address) == network


def test_the_table_tells_no_address() -> None:
    other = domain.keys("ada@example.org", "203.0.113.7", secret="another secret, long enough for all")

    assert not set(KEYS.all) & set(other.all)
    assert len(set(KEYS.all)) == 3
