"""Guessed codes wait, from each network and from all together; but who is known somewhere gets in from there."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from stoa_auth.attempts import service as attempts
from stoa_auth.factors import codes
from stoa_auth.factors import service as factors
from stoa_auth.factors.service import Guard
from stoa_common.resources import Resources

from .conftest import Doors
from .enrolling import Hands, challenge, enroll, finish, slug

WRONG = "000000"
HOME, ELSEWHERE = "192.0.2.10", "203.0.113.10"


@pytest.fixture(autouse=True)
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    hands = Hands()
    for module in (codes, factors, attempts):
        monkeypatch.setattr(module, "clock", hands)
    return hands


@pytest.fixture(autouse=True)
def guard(resources: Resources) -> Iterator[Guard]:
    usual = resources.get(Guard)
    limits = replace(usual.limits, free=3, longest=timedelta(minutes=5))
    resources.add(replace(usual, limits=limits))
    yield usual
    resources.add(usual)


async def test_guessed_codes_wait_even_where_the_right_one_follows(doors: Doors, hands: Hands) -> None:
    ada = await doors.newcomer()
    app = await enroll(doors, ada, hands)
    waiting = await challenge(doors, ada.email)
    guesses = [await finish(doors, waiting, code=WRONG, network=HOME) for _ in range(3)]

    refused = await finish(doors, waiting, code=app.code(steps=1), network=HOME)

    assert [guess.status_code for guess in guesses] == [401, 401, 401]
    assert (refused.status_code, slug(refused)) == (429, "too-many-failures")
    assert int(refused.headers["Retry-After"]) >= 1


async def test_the_right_code_counts_after_the_wait(doors: Doors, hands: Hands) -> None:
    ada = await doors.newcomer()
    app = await enroll(doors, ada, hands)
    waiting = await challenge(doors, ada.email)
    for _ in range(4):
        await finish(doors, waiting, code=WRONG, network=HOME)

    answer = await finish(doors, waiting, code=app.next_code(), network=HOME)

    assert answer.status_code == 200, answer.text


async def test_many_networks_guess_no_more_than_one(doors: Doors, hands: Hands) -> None:
    ada = await doors.newcomer()
    await enroll(doors, ada, hands)
    waiting = await challenge(doors, ada.email)

    answers = [await finish(doors, waiting, code=WRONG, network=f"198.51.100.{number}") for number in range(8)]

    assert [answer.status_code for answer in answers] == [401] * 3 + [429] * 5


async def test_nobody_keeps_a_person_out_from_where_they_have_logged_in(doors: Doors, hands: Hands) -> None:
    ada = await doors.newcomer()
    app = await enroll(doors, ada, hands)
    await finish(doors, await challenge(doors, ada.email), code=app.next_code(), network=HOME)
    waiting = await challenge(doors, ada.email)
    for _ in range(6):
        await finish(doors, waiting, code=WRONG, network=ELSEWHERE)

    elsewhere = await finish(doors, waiting, code=app.code(steps=1), network=ELSEWHERE)
    at_home = await finish(doors, waiting, code=app.code(steps=1), network=HOME)

    assert (elsewhere.status_code, at_home.status_code) == (429, 200)


@pytest.mark.parametrize("is_known", [False, True])
async def test_parallel_guesses_are_all_counted(doors: Doors, hands: Hands, is_known: bool) -> None:
    ada = await doors.newcomer()
    app = await enroll(doors, ada, hands)
    if is_known:
        await finish(doors, await challenge(doors, ada.email), code=app.next_code(), network=HOME)
    waiting = await challenge(doors, ada.email)

    answers = await asyncio.gather(*(finish(doors, waiting, code=WRONG, network=HOME) for _ in range(20)))

    assert Counter(answer.status_code for answer in answers) == {401: 3, 429: 17}


async def test_a_refused_guess_uses_up_no_recovery_code(doors: Doors, hands: Hands) -> None:
    ada = await doors.newcomer()
    [code, *_] = (await enroll(doors, ada, hands)).recovery_codes
    waiting = await challenge(doors, ada.email)
    for _ in range(3):
        await finish(doors, waiting, code=WRONG, network=HOME)

    refused = await finish(doors, waiting, recovery_code=code, network=HOME)
    hands.turn(timedelta(minutes=1))
    answer = await finish(doors, waiting, recovery_code=code, network=HOME)

    assert (refused.status_code, answer.status_code) == (429, 200)


async def test_ones_factor_does_not_wait_for_anothers(doors: Doors, hands: Hands) -> None:
    ada, bob = await doors.newcomer(), await doors.newcomer()
    await enroll(doors, ada, hands)
    app = await enroll(doors, bob, hands)
    for _ in range(6):
        await finish(doors, await challenge(doors, ada.email), code=WRONG, network=HOME)

    answer = await finish(doors, await challenge(doors, bob.email), code=app.next_code(), network=HOME)

    assert answer.status_code == 200
