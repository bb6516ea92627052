"""Recovery codes: each replaces a lost factor once."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import select

from stoa_auth.database import RecoveryCode
from stoa_auth.factors import codes
from stoa_auth.factors import service as factors
from stoa_auth.factors.service import Guard
from stoa_common.database import Database
from stoa_common.resources import Resources

from .conftest import Doors
from .enrolling import FACTORS, Hands, challenge, claims, enroll, finish, slug
from .postbox import Postbox

CODES = f"{FACTORS}/recovery-codes"


@pytest.fixture(autouse=True)
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    hands = Hands()
    monkeypatch.setattr(codes, "clock", hands)
    monkeypatch.setattr(factors, "clock", hands)
    return hands


async def test_a_recovery_code_logs_in_once(doors: Doors, hands: Hands, postbox: Postbox) -> None:
    ada = await doors.newcomer()
    [code, *_] = (await enroll(doors, ada, hands)).recovery_codes

    answer = await finish(doors, await challenge(doors, ada.email), recovery_code=code.lower())
    again = await finish(doors, await challenge(doors, ada.email), recovery_code=code)

    assert answer.status_code == 200, answer.text
    assert claims(answer.json()["access_token"])["amr"] == ["pwd", "otp", "mfa"]
    assert slug(again) == "code-is-wrong"
    assert (await doors.client.get(CODES, headers=ada.headers)).json()["left"] == 9
    assert "recovery-code-used" in {letter.kind for letter in await postbox.letters(ada.email)}


async def test_of_fifty_parallel_uses_of_one_code_exactly_one_logs_in(
    doors: Doors, hands: Hands, resources: Resources
) -> None:
    ada = await doors.newcomer()
    [code, *_] = (await enroll(doors, ada, hands)).recovery_codes
    waiting = await asyncio.gather(*(challenge(doors, ada.email) for _ in range(50)))
    usual = resources.get(Guard)
    resources.add(replace(usual, limits=replace(usual.limits, free=1000)))
    try:
        answers = await asyncio.gather(*(finish(doors, each, recovery_code=code) for each in waiting))
    finally:
        resources.add(usual)

    assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 49}


async def test_new_codes_replace_the_old(doors: Doors, hands: Hands) -> None:
    ada = await doors.newcomer()
    [old, *_] = (await enroll(doors, ada, hands)).recovery_codes

    renewed = await doors.client.post(CODES, headers=ada.headers)
    answers = [
        await finish(doors, await challenge(doors, ada.email), recovery_code=code)
        for code in (old, renewed.json()["recovery_codes"][0])
    ]

    assert len(renewed.json()["recovery_codes"]) == 10
    assert renewed.headers["Cache-Control"] == "no-store"
    assert [answer.status_code for answer in answers] == [401, 200]


async def test_codes_come_with_the_first_factor_and_not_again(doors: Doors, hands: Hands) -> None:
    ada = await doors.newcomer()

    first, second = await enroll(doors, ada, hands), await enroll(doors, ada, hands)

    assert len(first.recovery_codes) == 10
    assert second.recovery_codes == []


async def test_who_has_no_factor_has_no_recovery_codes(doors: Doors) -> None:
    ada = await doors.newcomer()

    answer = await doors.client.post(CODES, headers=ada.headers)

    assert (answer.status_code, slug(answer)) == (409, "no-factor")
    assert (await doors.client.get(CODES, headers=ada.headers)).json() == {"left": 0, "made_at": None}


async def test_anothers_recovery_code_is_worth_nothing(doors: Doors, hands: Hands) -> None:
    ada, bob = await doors.newcomer(), await doors.newcomer()
    await enroll(doors, ada, hands)
    [bobs, *_] = (await enroll(doors, bob, hands)).recovery_codes

    answer = await finish(doors, await challenge(doors, ada.email), recovery_code=bobs)

    assert answer.status_code == 401


async def test_codes_are_kept_as_hashes(doors: Doors, hands: Hands, database: Database) -> None:
    ada = await doors.newcomer()
    shown = (await enroll(doors, ada, hands)).recovery_codes

    async with database.transaction() as session:
        kept = (await session.scalars(select(RecoveryCode).where(RecoveryCode.person_id == ada.person_id))).all()

    assert len(kept) == 10
    assert not any(code.replace("-", "").encode() in each.code_hash for code in shown for each in kept)
