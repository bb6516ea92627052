"""The token endpoint: codes, refresh tokens, clients as themselves."""

import asyncio
import base64
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import select

from stoa_auth.database import LoginSession, Organization, RefreshToken
from stoa_auth.sessions.domain import token_hash
from stoa_common import clock, revocations
from stoa_common.database import Database
from stoa_common.security import TokenVerifier
from stoa_common.testing.identities import Identities

from .conftest import Doors
from .oauth_world import (
    AUTH,
    OFFLINE,
    App,
    World,
    a_world,
    claims_of,
    code_of,
    error,
    is_revoked,
    register,
    register_machine,
)

TOKEN = f"{AUTH}/token"


@pytest_asyncio.fixture(loop_scope="session")
async def world(doors: Doors) -> World:
    return await a_world(doors.client, await doors.newcomer())


async def test_a_code_becomes_tokens_of_the_person_with_the_clients_scopes(world: World, app: FastAPI) -> None:
    code = await code_of(world.browser, world.app, scope="openid course:read member:read", nonce="n-1")

    answer = await world.app.redeem(code)

    given = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert (given["token_type"], given["scope"]) == ("Bearer", "openid course:read member:read")
    assert "refresh_token" not in given, "nobody asked for offline_access"
    verifier: TokenVerifier = app.state.verifier
    principal = await verifier.verify(given["access_token"])
    assert str(principal.person_id) == world.someone.person_id
    assert str(principal.organization) == world.someone.organization_id
    assert principal.permissions == {"course:read", "member:read"}
    assert (principal.roles, principal.client_id) == (frozenset(), world.app.id)
    assert claims_of(given["access_token"])["auth_time"] == claims_of(given["id_token"])["auth_time"]


async def test_the_person_sees_what_the_client_opened_and_ends_it(doors: Doors, world: World) -> None:
    given = await world.tokens()
    sid = claims_of(given["access_token"])["sid"]

    shown = (await doors.client.get(f"{AUTH}/sessions", headers=world.someone.headers)).json()["items"]
    ended = await doors.client.delete(f"{AUTH}/sessions/{sid}", headers=world.someone.headers)

    assert [session["device"] for session in shown if session["id"] == sid] == ["Course reports"]
    assert ended.status_code == 204
    assert error(await world.app.refresh(given["refresh_token"])) == (400, "invalid_grant")


async def test_a_clients_session_is_no_newer_than_the_browsers(world: World, database: Database) -> None:
    long_ago = clock.now().replace(year=2025)
    async with database.transaction() as session:
        [row] = await session.scalars(
            select(LoginSession)
            .where(LoginSession.person_id == UUID(world.someone.person_id), LoginSession.client_id.is_(None))
            .order_by(LoginSession.opened_at.desc())
            .limit(1)
        )
        row.authenticated_at = long_ago

    given = await world.tokens()

    assert claims_of(given["access_token"])["auth_time"] == int(long_ago.timestamp())


async def test_of_parallel_uses_of_a_code_one_succeeds(world: World) -> None:
    code = await code_of(world.browser, world.app)

    answers = await asyncio.gather(*(world.app.redeem(code) for _ in range(10)))

    assert Counter(answer.status_code for answer in answers) == {200: 1, 400: 9}


async def test_a_code_that_comes_again_ends_what_came_from_it(world: World, database: Database) -> None:
    code = await code_of(world.browser, world.app, scope="openid offline_access")
    given = (await world.app.redeem(code)).json()

    again = await world.app.redeem(code)

    assert error(again) == (400, "invalid_grant")
    assert error(await world.app.refresh(given["refresh_token"])) == (400, "invalid_grant")
    sid = UUID(claims_of(given["access_token"])["sid"])
    assert await is_revoked(database, revocations.of_session(sid))


@pytest.mark.parametrize(
    "changed",
    [
        {"code_verifier": "x" * 43},
        {"code_verifier": "plain"},
        {"redirect_uri": "https://app.example.com/other"},
        {"redirect_uri": "https://evil.example/"},
        {"code": "no-such-code"},
    ],
)
async def test_a_code_is_worth_nothing_without_all_it_is_bound_to(world: World, changed: dict[str, str]) -> None:
    code = await code_of(world.browser, world.app)

    assert error(await world.app.redeem(code, **changed)) == (400, "invalid_grant")


async def test_a_code_without_its_verifier_is_no_request(world: World) -> None:
    code = await code_of(world.browser, world.app)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": world.app.redirect_uri}

    assert error(await world.app.token(**form)) == (400, "invalid_request")


async def test_another_client_gets_nothing_for_a_code(doors: Doors, world: World) -> None:
    other = await register(doors.client, world.someone.headers, scopes=OFFLINE)
    other.verifier = world.app.verifier
    code = await code_of(world.browser, world.app)

    assert error(await other.redeem(code)) == (400, "invalid_grant")
    assert (await world.app.redeem(code)).status_code == 200


async def test_a_code_ends_with_the_browsers_session(doors: Doors, world: World) -> None:
    code = await code_of(world.browser, world.app)

    ended = await doors.client.delete(f"{AUTH}/sessions", headers=world.someone.headers)

    assert ended.status_code == 204
    assert error(await world.app.redeem(code)) == (400, "invalid_grant")


async def test_refresh_tokens_rotate(world: World) -> None:
    given = await world.tokens()
    renewed = (await world.app.refresh(given["refresh_token"])).json()
    assert renewed["refresh_token"] != given["refresh_token"]
    assert claims_of(renewed["id_token"])["sub"] == world.someone.person_id

    soon = await world.app.refresh(given["refresh_token"])

    assert error(soon) == (400, "invalid_grant")
    assert (await world.app.refresh(renewed["refresh_token"])).status_code == 200, "two tabs at once are no theft"


async def test_a_refresh_token_that_comes_again_late_ends_the_family(world: World, database: Database) -> None:
    given = await world.tokens()
    renewed = (await world.app.refresh(given["refresh_token"])).json()
    async with database.transaction() as session:
        used = await session.get_one(RefreshToken, token_hash(given["refresh_token"]))
        used.used_at = clock.now() - timedelta(minutes=1)

    stolen = await world.app.refresh(given["refresh_token"])

    assert error(stolen) == (400, "invalid_grant")
    assert error(await world.app.refresh(renewed["refresh_token"])) == (400, "invalid_grant")


async def test_of_parallel_refreshes_one_succeeds(world: World) -> None:
    given = await world.tokens()

    answers = await asyncio.gather(*(world.app.refresh(given["refresh_token"]) for _ in range(10)))

    assert Counter(answer.status_code for answer in answers) == {200: 1, 400: 9}


async def test_a_refresh_asks_for_no_more_than_was_granted(world: World) -> None:
    given = await world.tokens("openid course:read member:read offline_access")

    wider = await world.app.refresh(given["refresh_token"], scope="openid course:write")
    narrow = await world.app.refresh(given["refresh_token"], scope="course:read")
    later = await world.app.refresh(narrow.json()["refresh_token"])

    assert error(wider) == (400, "invalid_scope")
    assert claims_of(narrow.json()["access_token"])["permissions"] == ["course:read"]
    assert "id_token" not in narrow.json()
    assert claims_of(later.json()["access_token"])["permissions"] == ["course:read", "member:read"]


async def test_a_refresh_token_is_its_clients_alone(doors: Doors, world: World) -> None:
    given = await world.tokens()
    other = await register(doors.client, world.someone.headers, scopes=OFFLINE)

    assert error(await other.refresh(given["refresh_token"])) == (400, "invalid_grant")
    assert (await doors.refresh(given["refresh_token"])).status_code == 401, "the platform's own door takes it neither"
    assert error(await world.app.refresh(world.someone.refresh_token)) == (400, "invalid_grant")
    assert (await world.app.refresh(given["refresh_token"])).status_code == 200


async def test_a_client_acts_as_itself_and_is_nobody(doors: Doors, app: FastAPI) -> None:
    ada = await doors.newcomer()
    scopes = ["member:read", "course:read", "account:read:own", "member:write"]
    machine = await register_machine(doors.client, ada.headers, *scopes)

    given = (await machine.token(grant_type="client_credentials")).json()

    claims = claims_of(given["access_token"])
    assert (claims["sub"], claims["client_id"], claims["org"]) == (machine.id, machine.id, ada.organization_id)
    assert claims["permissions"] == ["course:read", "member:read"]
    assert not claims.keys() & {"amr", "auth_time", "act"}
    assert "refresh_token" not in given
    verifier: TokenVerifier = app.state.verifier
    await verifier.verify(given["access_token"])
    headers = {"Authorization": f"Bearer {given['access_token']}"}
    members = await doors.client.get(f"{AUTH}/organizations/{ada.organization_id}/members", headers=headers)
    assert members.status_code == 200
    assert (await doors.client.get(f"{AUTH}/me", headers=headers)).status_code == 403
    assert (await doors.client.get(f"{AUTH}/userinfo", headers=headers)).status_code == 403


async def test_a_client_of_a_suspended_organization_acts_no_more(doors: Doors, database: Database) -> None:
    ada = await doors.newcomer()
    machine = await register_machine(doors.client, ada.headers)
    async with database.transaction() as session:
        (await session.get_one(Organization, UUID(str(ada.organization_id)))).suspended_at = clock.now()

    assert error(await machine.token(grant_type="client_credentials")) == (400, "unauthorized_client")


async def test_a_platforms_client_acts_for_the_platform(doors: Doors, identities: Identities) -> None:
    operator = identities.headers(identities.principal("operator"))
    machine = await register_machine(doors.client, operator, "platform:read", "course:read")

    given = (await machine.token(grant_type="client_credentials")).json()

    claims = claims_of(given["access_token"])
    assert (claims["permissions"], "org" in claims) == (["platform:read"], False)


async def test_a_client_shows_its_secret_in_one_place(doors: Doors) -> None:
    machine = await register_machine(doors.client, (await doors.newcomer()).headers)
    form = {"grant_type": "client_credentials"}
    named = {**form, "client_id": machine.id}

    by_form = await doors.client.post(TOKEN, data={**named, "client_secret": machine.secret})
    both = await doors.client.post(TOKEN, data={**named, "client_secret": machine.secret}, auth=machine.auth)
    another = await doors.client.post(TOKEN, data={**form, "client_id": "another"}, auth=machine.auth)
    twice = await doors.client.post(
        TOKEN,
        content=f"grant_type=client_credentials&grant_type=password&client_id={machine.id}",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert by_form.status_code == 200
    assert [error(answer) for answer in (both, another, twice)] == [(400, "invalid_request")] * 3


@pytest.mark.parametrize(
    "shown",
    ["", "Basic", "Basic !", "Basic " + base64.b64encode(b"no-colon").decode(), "Basic " + "A" * 3000, "Bearer x"],
)
async def test_who_shows_no_secret_is_not_known(doors: Doors, shown: str) -> None:
    form = {"grant_type": "client_credentials"}

    answer = await doors.client.post(TOKEN, data=form, headers={"Authorization": shown} if shown else {})

    assert error(answer) in {(401, "invalid_client"), (400, "invalid_request")}


async def test_a_wrong_secret_is_told_no_more_than_an_unknown_client(doors: Doors) -> None:
    machine = await register_machine(doors.client, (await doors.newcomer()).headers)
    wrong = App(doors.client, machine.id, "stoacs_wrong")
    unknown = App(doors.client, "0199d6a5-0000-7000-8000-000000000000", "stoacs_wrong")
    nameless = App(doors.client, "' OR 1=1 --", "stoacs_wrong")
    public = App(doors.client, machine.id, None)

    answers = [await each.token(grant_type="client_credentials") for each in (wrong, unknown, nameless, public)]

    assert {error(answer) for answer in answers} == {(401, "invalid_client")}
    assert all(answer.headers["www-authenticate"].startswith("Basic ") for answer in answers)
    assert len({answer.json()["detail"] for answer in answers}) == 1


async def test_a_grant_that_was_not_registered_is_refused(doors: Doors, world: World) -> None:
    machine = await register_machine(doors.client, world.someone.headers)

    assert error(await world.app.token(grant_type="client_credentials")) == (400, "unauthorized_client")
    assert error(await machine.refresh("x")) == (400, "unauthorized_client")
    assert error(await world.app.token(grant_type="password", username="a", password="b")) == (
        400,
        "unsupported_grant_type",
    )
