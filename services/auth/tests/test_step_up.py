"""Step-up: whoever does something dangerous has proved a moment ago who they are."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from stoa_auth.database import LoginSession
from stoa_auth.factors import codes
from stoa_auth.factors import service as factors
from stoa_auth.passkeys.service import RelyingParty
from stoa_common import clock
from stoa_common.database import Database
from stoa_common.resources import Resources

from .conftest import PASSWORD, Doors, Someone
from .enrolling import FACTORS, Browser, Hands, claims, enroll, slug, step_up
from .security_key import SecurityKey

DANGEROUS = [
    ("DELETE", "/api/v1/auth/me", None),
    ("POST", "/api/v1/auth/factors/authenticators", {}),
    ("POST", "/api/v1/auth/factors/recovery-codes", None),
    ("DELETE", f"{FACTORS}/01990000-0000-7000-8000-000000000000", None),
    ("POST", "/api/v1/auth/passkeys/registration", None),
    ("DELETE", "/api/v1/auth/me/identities/01990000-0000-7000-8000-000000000000", None),
    ("POST", "/api/v1/auth/api-keys", {"name": "Import", "scopes": ["course:read"]}),
]


@pytest.fixture(autouse=True)
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    hands = Hands()
    monkeypatch.setattr(codes, "clock", hands)
    monkeypatch.setattr(factors, "clock", hands)
    return hands


async def an_hour_later(doors: Doors, database: Database, someone: Someone) -> Someone:
    """The same person, whose session is an hour older and has just been refreshed."""
    async with database.transaction() as session:
        family = await session.get_one(LoginSession, UUID(claims(someone.access_token)["sid"]))
        family.authenticated_at = clock.now() - timedelta(hours=1)
    answer = await doors.refresh(someone.refresh_token)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    return replace(someone, access_token=told["access_token"], refresh_token=told["refresh_token"])


@pytest.mark.parametrize(("method", "path", "body"), DANGEROUS)
async def test_what_is_dangerous_asks_for_step_up(
    doors: Doors, database: Database, method: str, path: str, body: dict[str, Any] | None
) -> None:
    ada = await an_hour_later(doors, database, await doors.newcomer())

    answer = await doors.client.request(method, path, json=body, headers=ada.headers)

    assert (answer.status_code, slug(answer)) == (401, "authentication-is-too-old")
    told = answer.headers["WWW-Authenticate"]
    assert 'error="insufficient_user_authentication"' in told
    assert 'max_age="600"' in told


async def test_who_makes_somebody_an_admin_has_proved_lately_who_they_are(doors: Doors, database: Database) -> None:
    owner = await doors.newcomer()
    member = await doors.member(owner, "learner")
    owner = await an_hour_later(doors, database, owner)
    path = f"/api/v1/auth/organizations/{owner.organization_id}"

    answers = {
        role: [
            await doors.client.patch(
                f"{path}/members/{member.person_id}", json={"roles": [role]}, headers=owner.headers
            ),
            await doors.client.post(f"{path}/invitations", json={"roles": [role]}, headers=owner.headers),
        ]
        for role in ("author", "admin")
    }

    assert [answer.status_code for answer in answers["author"]] == [200, 201]
    assert [slug(answer) for answer in answers["admin"]] == ["authentication-is-too-old"] * 2


async def test_the_password_renews_the_proof_of_who_has_no_second_factor(doors: Doors, database: Database) -> None:
    ada = await an_hour_later(doors, database, await doors.newcomer())

    answer = await step_up(doors, ada, password=PASSWORD)

    assert answer.status_code == 200, answer.text
    renewed = replace(ada, access_token=answer.json()["access_token"])
    assert claims(renewed.access_token)["amr"] == ["pwd"]
    assert claims(renewed.access_token)["sid"] == claims(ada.access_token)["sid"]
    assert (await doors.client.delete("/api/v1/auth/me", headers=renewed.headers)).status_code == 204


async def test_the_refresh_token_stays_good_and_knows_of_the_proof(doors: Doors, database: Database) -> None:
    ada = await an_hour_later(doors, database, await doors.newcomer())
    stepped_up = await step_up(doors, ada)

    refreshed = await doors.refresh(ada.refresh_token)

    times = [claims(answer.json()["access_token"])["auth_time"] for answer in (stepped_up, refreshed)]
    assert times[0] == times[1] > claims(ada.access_token)["auth_time"]


async def test_a_wrong_password_renews_nothing_and_ends_nothing(doors: Doors, database: Database) -> None:
    ada = await an_hour_later(doors, database, await doors.newcomer())

    answer = await step_up(doors, ada, password="a wrong password")

    assert (answer.status_code, slug(answer)) == (422, "proof-is-wrong")
    assert (await doors.client.get("/api/v1/auth/me", headers=ada.headers)).status_code == 200
    assert (await doors.client.delete("/api/v1/auth/me", headers=ada.headers)).status_code == 401


async def test_who_has_a_second_factor_steps_up_by_it(doors: Doors, database: Database, hands: Hands) -> None:
    ada = await doors.newcomer()
    app = await enroll(doors, ada, hands)
    ada = await an_hour_later(doors, database, ada)

    by_password = await step_up(doors, ada, password=PASSWORD)
    wrong = await step_up(doors, ada, code="000000")
    by_code = await step_up(doors, ada, code=app.next_code())

    assert (by_password.status_code, slug(by_password)) == (403, "step-up-needs-factor")
    assert (wrong.status_code, slug(wrong)) == (422, "proof-is-wrong")
    assert by_code.status_code == 200, by_code.text
    assert claims(by_code.json()["access_token"])["amr"] == ["pwd", "otp", "mfa"]


async def test_a_recovery_code_steps_up_so_that_a_lost_phone_is_removed(
    doors: Doors, database: Database, hands: Hands
) -> None:
    ada = await doors.newcomer()
    app = await enroll(doors, ada, hands)
    ada = await an_hour_later(doors, database, ada)

    answer = await step_up(doors, ada, recovery_code=app.recovery_codes[0])

    ada = replace(ada, access_token=answer.json()["access_token"])
    assert (await doors.client.delete(f"{FACTORS}/{app.factor_id}", headers=ada.headers)).status_code == 204


async def test_a_passkey_steps_up(doors: Doors, database: Database, resources: Resources) -> None:
    browser = Browser(doors, resources.get(RelyingParty), SecurityKey())
    ada = await doors.newcomer()
    await browser.register(ada)
    ada = await an_hour_later(doors, database, ada)

    options = await browser.options("/api/v1/auth/step-up/passkey", headers=ada.headers)
    answer = await step_up(doors, ada, passkey=browser.key.get(options, origin=browser.origin))

    assert answer.status_code == 200, answer.text
    assert claims(answer.json()["access_token"])["amr"] == ["pwd", "hwk", "user", "mfa"]


async def test_access_tokens_from_before_are_worth_nothing(doors: Doors, database: Database) -> None:
    ada = await an_hour_later(doors, database, await doors.newcomer())

    answer = await step_up(doors, ada)

    assert claims(answer.json()["access_token"])["iat"] > claims(ada.access_token)["iat"]
    again = await step_up(doors, replace(ada, access_token=answer.json()["access_token"]))
    assert again.status_code == 200


async def test_a_session_that_has_ended_steps_up_no_more(doors: Doors, database: Database) -> None:
    ada = await doors.newcomer()
    async with database.transaction() as session:
        family = await session.get_one(LoginSession, UUID(claims(ada.access_token)["sid"]))
        family.revoked_at = clock.now()

    answer = await step_up(doors, ada)

    assert (answer.status_code, slug(answer)) == (401, "session-is-over")


@pytest.mark.parametrize("proof", [{"password": PASSWORD, "code": "492039"}, {"code": ""}, {"challenge": "x"}])
async def test_exactly_one_proof_steps_up(doors: Doors, proof: dict[str, str]) -> None:
    answer = await step_up(doors, await doors.newcomer(), **proof)

    assert answer.status_code == 422
