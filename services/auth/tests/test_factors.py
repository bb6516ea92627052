"""Authenticator apps: set up, used for logging in, renamed, removed."""

import asyncio
from datetime import timedelta

import pytest

from stoa_auth.database import Authenticator
from stoa_auth.factors import codes
from stoa_auth.factors import service as factors
from stoa_auth.sessions import log_ins
from stoa_common.database import Database

from .conftest import PASSWORD, Doors
from .enrolling import FACTORS, STEP, Hands, begin, challenge, claims, confirm, enroll, finish, slug
from .postbox import Postbox

WRONG = "000000"


@pytest.fixture(autouse=True)
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    hands = Hands()
    monkeypatch.setattr(codes, "clock", hands)
    monkeypatch.setattr(factors, "clock", hands)
    return hands


async def test_an_app_is_set_up_and_logs_in_beside_the_password(doors: Doors, hands: Hands) -> None:
    ada = await doors.newcomer()
    app = await enroll(doors, ada, hands)

    needed = await doors.log_in(ada.email)
    answer = await finish(doors, needed.json()["challenge"], code=app.next_code())

    assert needed.status_code == 401
    assert needed.json()["methods"] == ["authenticator", "recovery-code"]
    assert needed.json()["expires_in"] == 300
    assert "access_token" not in needed.json()
    assert answer.status_code == 200, answer.text
    assert claims(answer.json()["access_token"])["amr"] == ["pwd", "otp", "mfa"]
    assert answer.json()["organization_id"] == ada.organization_id


async def test_an_app_counts_only_when_a_code_has_confirmed_it(doors: Doors, hands: Hands) -> None:
    ada = await doors.newcomer()
    app = await begin(doors, ada, hands)

    refused = await confirm(doors, ada, app, app.code(steps=5))
    answer = await doors.log_in(ada.email)

    assert (refused.status_code, slug(refused)) == (422, "code-does-not-fit")
    assert answer.status_code == 200


async def test_what_was_begun_and_begun_again_is_forgotten(doors: Doors, hands: Hands) -> None:
    ada = await doors.newcomer()
    old, new = await begin(doors, ada, hands), await begin(doors, ada, hands)

    refused = await confirm(doors, ada, old, old.code())
    answer = await confirm(doors, ada, new, new.code())

    assert (refused.status_code, slug(refused)) == (404, "authenticator-is-unknown")
    assert answer.status_code == 200


async def test_an_app_is_confirmed_within_an_hour(doors: Doors, hands: Hands) -> None:
    ada = await doors.newcomer()
    app = await begin(doors, ada, hands)
    hands.turn(timedelta(minutes=61))

    answer = await confirm(doors, ada, app, app.code())

    assert slug(answer) == "authenticator-is-unknown"


async def test_a_code_counts_once(doors: Doors, hands: Hands) -> None:
    ada = await doors.newcomer()
    app = await enroll(doors, ada, hands)
    first, second = await challenge(doors, ada.email), await challenge(doors, ada.email)
    code = app.next_code()

    answers = [await finish(doors, each, code=code) for each in (first, second)]
    older = await finish(doors, second, code=app.code(steps=-1))

    assert [answer.status_code for answer in answers] == [200, 401]
    assert slug(answers[1]) == slug(older) == "code-is-wrong"


async def test_the_code_that_confirmed_an_app_logs_nobody_in(doors: Doors, hands: Hands) -> None:
    ada = await doors.newcomer()
    app = await enroll(doors, ada, hands)

    answer = await finish(doors, await challenge(doors, ada.email), code=app.code())

    assert answer.status_code == 401


async def test_of_parallel_uses_of_one_code_one_logs_in(doors: Doors, hands: Hands) -> None:
    ada = await doors.newcomer()
    app = await enroll(doors, ada, hands)
    waiting = [await challenge(doors, ada.email) for _ in range(8)]
    code = app.next_code()

    answers = await asyncio.gather(*(finish(doors, each, code=code) for each in waiting))

    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7


async def test_a_challenge_is_good_for_one_log_in(doors: Doors, hands: Hands) -> None:
    ada = await doors.newcomer()
    app = await enroll(doors, ada, hands)
    waiting = await challenge(doors, ada.email)

    wrong = await finish(doors, waiting, code=WRONG)
    right = await finish(doors, waiting, code=app.next_code())
    again = await finish(doors, waiting, code=app.next_code())

    assert [wrong.status_code, right.status_code, again.status_code] == [401, 200, 401]
    assert slug(again) == "challenge-is-over"


async def test_a_challenge_ends_after_five_minutes(doors: Doors, hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = await doors.newcomer()
    app = await enroll(doors, ada, hands)
    monkeypatch.setattr(log_ins, "clock", hands)
    waiting = await challenge(doors, ada.email)
    hands.turn(timedelta(minutes=5, seconds=1))

    answer = await finish(doors, waiting, code=app.code())

    assert slug(answer) == "challenge-is-over"


async def test_a_challenge_is_bound_to_its_person(doors: Doors, hands: Hands) -> None:
    ada, bob = await doors.newcomer(), await doors.newcomer()
    await enroll(doors, ada, hands)
    apps = await enroll(doors, bob, hands)

    answer = await finish(doors, await challenge(doors, ada.email), code=apps.next_code())

    assert slug(answer) == "code-is-wrong"


async def test_a_challenge_ends_with_the_password_that_began_it(doors: Doors, hands: Hands) -> None:
    ada = await doors.newcomer()
    app = await enroll(doors, ada, hands)
    waiting = await challenge(doors, ada.email)
    change = {"current_password": PASSWORD, "password": "a rather different phrase"}
    changed = await doors.client.put("/api/v1/auth/me/password", json=change, headers=ada.headers)

    answer = await finish(doors, waiting, code=app.next_code())

    assert changed.status_code == 204
    assert slug(answer) == "challenge-is-over"


async def test_a_wrong_password_tells_nothing_of_a_second_factor(doors: Doors, hands: Hands) -> None:
    ada, bob = await doors.newcomer(), await doors.newcomer()
    await enroll(doors, ada, hands)

    answers = [await doors.log_in(each.email, password="a wrong password") for each in (ada, bob)]

    told = [{**answer.json(), "instance": ""} for answer in answers]
    assert told[0] == told[1]
    assert slug(answers[0]) == "credentials-are-wrong"


async def test_a_log_in_goes_on_for_the_organization_that_it_began_for(doors: Doors, hands: Hands) -> None:
    ada = await doors.newcomer()
    app = await enroll(doors, ada, hands)

    fine = await finish(
        doors, await challenge(doors, ada.email, organization_id=ada.organization_id), code=app.next_code()
    )
    stranger = (await doors.newcomer()).organization_id
    refused = await finish(doors, await challenge(doors, ada.email, organization_id=stranger), code=app.next_code())

    assert fine.json()["organization_id"] == ada.organization_id
    assert slug(refused) == "no-such-membership"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"code": "492039", "recovery_code": "7KQM-20XD-WAZP"},
        {"code": "49203"},
        {"code": "٤٩٢٠٣٩"},
        {"code": None},
    ],
)
async def test_exactly_one_proof_is_sent(doors: Doors, body: dict[str, str]) -> None:
    answer = await finish(doors, "a challenge", **body)

    assert answer.status_code == 422


async def test_factors_are_listed_renamed_and_removed(doors: Doors, hands: Hands) -> None:
    ada = await doors.newcomer()
    app = await enroll(doors, ada, hands)
    path = f"{FACTORS}/{app.factor_id}"

    renamed = await doors.client.patch(path, json={"name": "Old phone"}, headers=ada.headers)
    listed = await doors.client.get(FACTORS, headers=ada.headers)
    removed = await doors.client.delete(path, headers=ada.headers)

    assert renamed.json()["name"] == "Old phone"
    [shown] = listed.json()["items"]
    assert (shown["id"], shown["kind"], shown["name"]) == (app.factor_id, "authenticator", "Old phone")
    assert app.secret not in listed.text
    assert removed.status_code == 204
    assert (await doors.log_in(ada.email)).status_code == 200
    assert (await doors.client.get(f"{FACTORS}/recovery-codes", headers=ada.headers)).json()["left"] == 0


async def test_nobody_touches_anothers_factors(doors: Doors, hands: Hands) -> None:
    ada, bob = await doors.newcomer(), await doors.newcomer()
    path = f"{FACTORS}/{(await enroll(doors, ada, hands)).factor_id}"

    answers = [
        await doors.client.patch(path, json={"name": "Mine"}, headers=bob.headers),
        await doors.client.delete(path, headers=bob.headers),
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    await challenge(doors, ada.email)


async def test_nobody_has_more_than_three_apps(doors: Doors, hands: Hands) -> None:
    ada = await doors.newcomer()
    for _ in range(3):
        await enroll(doors, ada, hands)

    answer = await doors.client.post(f"{FACTORS}/authenticators", json={}, headers=ada.headers)

    assert (answer.status_code, slug(answer)) == (409, "too-many-factors")


async def test_each_of_several_apps_logs_in(doors: Doors, hands: Hands) -> None:
    ada = await doors.newcomer()
    apps = [await enroll(doors, ada, hands) for _ in range(2)]

    answers = [await finish(doors, await challenge(doors, ada.email), code=app.next_code()) for app in apps]

    assert [answer.status_code for answer in answers] == [200, 200]


async def test_the_person_is_told_of_factors_that_come_and_go(doors: Doors, hands: Hands, postbox: Postbox) -> None:
    ada = await doors.newcomer()
    app = await enroll(doors, ada, hands)
    await doors.client.delete(f"{FACTORS}/{app.factor_id}", headers={**ada.headers, "Accept-Language": "ru"})

    letters = {letter.kind: letter for letter in await postbox.letters(ada.email)}

    assert letters["factor-added"].subject == "A second factor was added to your account"
    assert letters["factor-removed"].language == "ru"


async def test_secrets_are_sealed_at_rest(doors: Doors, hands: Hands, database: Database) -> None:
    ada = await doors.newcomer()
    app = await enroll(doors, ada, hands)

    async with database.transaction() as session:
        kept = await session.get_one(Authenticator, app.factor_id)

    assert app.secret.encode() not in kept.sealed


async def test_codes_come_by_time_and_not_by_number(doors: Doors, hands: Hands) -> None:
    """A phone that slept through some steps shows a code that counts."""
    ada = await doors.newcomer()
    app = await enroll(doors, ada, hands)
    hands.turn(1000 * STEP)

    answer = await finish(doors, await challenge(doors, ada.email), code=app.code())

    assert answer.status_code == 200
