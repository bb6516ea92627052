"""Log-ins that fail often wait; others do not."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import httpx2
import pytest

from stoa_auth.accounts.passwords import Passwords
from stoa_auth.attempts import service as attempts
from stoa_auth.attempts.service import Limits
from stoa_common import clock
from stoa_common.resources import Resources

from .conftest import PASSWORD, Doors, an_address

WRONG = "a wrong password"
_networks = iter(range(1, 250))


@pytest.fixture(autouse=True)
def limits(resources: Resources) -> Iterator[Limits]:
    usual = resources.get(Limits)
    strict = replace(usual, free=3, longest=timedelta(minutes=5), network_free=6, network_longest=timedelta(minutes=1))
    resources.add(strict)
    yield strict
    resources.add(usual)


class Hands:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self._now = clock.now()

    def now(self) -> datetime:
        return self._now

    def turn(self, span: timedelta) -> None:
        self._now += span


@pytest.fixture(autouse=True)
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    hands = Hands()
    monkeypatch.setattr(attempts, "clock", hands)
    return hands


@pytest.fixture
def network() -> str:
    """An address that no other test comes from."""
    return f"198.51.100.{next(_networks)}"


async def try_in(doors: Doors, email: str, password: str, *, network: str) -> httpx2.Response:
    body = {"email": email, "password": password}
    return await doors.client.post("/api/v1/auth/login", json=body, headers={"X-Forwarded-For": network})


async def test_who_fails_often_waits_even_with_the_right_password(doors: Doors, network: str) -> None:
    ada = await doors.newcomer()
    for _ in range(3):
        assert (await try_in(doors, ada.email, WRONG, network=network)).status_code == 401

    answer = await try_in(doors, ada.email, PASSWORD, network=network)

    assert answer.status_code == 429
    assert answer.json()["type"] == "urn:stoa:problem:too-many-failures"
    assert answer.headers["Retry-After"] == "1"


async def test_the_wait_grows_and_ends(doors: Doors, hands: Hands, network: str) -> None:
    ada = await doors.newcomer()
    for _ in range(3):
        await try_in(doors, ada.email, WRONG, network=network)
    waits = []
    for _ in range(4):
        refused = await try_in(doors, ada.email, WRONG, network=network)
        waits.append(int(refused.headers["Retry-After"]))
        hands.turn(timedelta(seconds=waits[-1]))
        await try_in(doors, ada.email, WRONG, network=network)

    hands.turn(timedelta(seconds=60))
    answer = await try_in(doors, ada.email, PASSWORD, network=network)

    assert waits == [1, 2, 4, 8]
    assert answer.status_code == 200


async def test_nobody_locks_a_person_out_from_elsewhere(doors: Doors) -> None:
    ada = await doors.newcomer()
    for number in range(20):
        await try_in(doors, ada.email, WRONG, network=f"203.0.113.{number}")

    again = [await try_in(doors, ada.email, WRONG, network="203.0.113.0") for _ in range(2)]
    answer = await try_in(doors, ada.email, PASSWORD, network="192.0.2.77")

    assert [each.status_code for each in again] == [401, 429], "who attacked has fewer free failures"
    assert answer.status_code == 200


async def test_an_address_without_an_account_is_refused_alike(doors: Doors) -> None:
    ada, nobody = await doors.newcomer(), an_address()

    answers = {
        email: [(await try_in(doors, email, WRONG, network=network)).status_code for _ in range(5)]
        for email, network in ((ada.email, "192.0.2.1"), (nobody, "192.0.2.2"))
    }

    assert answers[ada.email] == answers[nobody] == [401, 401, 401, 429, 429]


async def test_parallel_guesses_are_all_counted(doors: Doors, network: str) -> None:
    ada = await doors.newcomer()
    verified = []
    verify = Passwords.verify

    async def counted(self: Passwords, password: str, password_hash: str | None) -> bool:
        verified.append(password_hash is not None)
        return await verify(self, password, password_hash)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Passwords, "verify", counted)
        answers = await asyncio.gather(*(try_in(doors, ada.email, WRONG, network=network) for _ in range(30)))

    statuses = Counter(answer.status_code for answer in answers)
    assert statuses[401] == len(verified) == 3
    assert statuses[429] == 27


async def test_a_network_that_tries_many_accounts_waits_but_those_who_are_known_there_do_not(
    doors: Doors, network: str
) -> None:
    ada, bob = await doors.newcomer(), await doors.newcomer()
    assert (await try_in(doors, ada.email, PASSWORD, network=network)).status_code == 200
    for _ in range(6):
        assert (await try_in(doors, an_address(), WRONG, network=network)).status_code == 401

    guessed = [await try_in(doors, email, WRONG, network=network) for email in (ada.email, an_address())]
    known = await try_in(doors, ada.email, PASSWORD, network=network)
    unknown = await try_in(doors, bob.email, PASSWORD, network=network)

    assert [answer.status_code for answer in guessed] == [429, 429]
    assert (known.status_code, unknown.status_code) == (200, 429)


async def test_a_log_in_forgives_what_failed_before(doors: Doors, network: str) -> None:
    ada = await doors.newcomer()
    for _ in range(2):
        await try_in(doors, ada.email, WRONG, network=network)

    await try_in(doors, ada.email, PASSWORD, network=network)

    answers = [await try_in(doors, ada.email, WRONG, network=network) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
