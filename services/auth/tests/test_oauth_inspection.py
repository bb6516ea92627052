"""What a client may ask about tokens, hand back, and learn of who logged in."""

from uuid import UUID

import httpx2
import pytest
import pytest_asyncio

from stoa_common import revocations
from stoa_common.database import Database

from .conftest import Doors
from .oauth_world import AUTH, App, World, a_world, claims_of, error, is_revoked, register, register_machine


@pytest_asyncio.fixture(loop_scope="session")
async def world(doors: Doors) -> World:
    return await a_world(doors.client, await doors.newcomer())


async def introspect(app: App, token: str) -> dict[str, object]:
    answer = await app.http.post(f"{AUTH}/introspect", data={"token": token}, auth=app.auth)
    assert answer.status_code == 200, answer.text
    told: dict[str, object] = answer.json()
    return told


async def test_a_client_learns_of_its_organizations_tokens_alone(doors: Doors, world: World) -> None:
    given = await world.tokens()
    machine = await register_machine(doors.client, world.someone.headers)
    stranger = await register_machine(doors.client, (await doors.newcomer()).headers)

    known = await introspect(machine, given["access_token"])

    assert (known["active"], known["sub"], known["client_id"]) == (True, world.someone.person_id, world.app.id)
    assert known["scope"] == "openid course:read offline_access"
    assert await introspect(stranger, given["access_token"]) == {"active": False}
    assert await introspect(machine, "no.such.token") == {"active": False}
    assert await introspect(machine, "x") == {"active": False}


async def test_a_refresh_token_is_told_to_its_own_client_alone(doors: Doors, world: World) -> None:
    given = await world.tokens()
    machine = await register_machine(doors.client, world.someone.headers)

    assert (await introspect(world.app, given["refresh_token"]))["active"] is True
    assert await introspect(machine, given["refresh_token"]) == {"active": False}
    await world.app.refresh(given["refresh_token"])
    assert await introspect(world.app, given["refresh_token"]) == {"active": False}


async def test_strangers_and_public_clients_learn_nothing(doors: Doors, world: World) -> None:
    public = await register(doors.client, world.someone.headers, confidential=False)
    form = {"token": world.someone.access_token}

    nobody = await doors.client.post(f"{AUTH}/introspect", data=form)
    named = await doors.client.post(f"{AUTH}/introspect", data={**form, "client_id": public.id})

    assert [error(answer) for answer in (nobody, named)] == [(401, "invalid_client"), (400, "unauthorized_client")]


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_a_client_hands_back_what_it_was_given(world: World, database: Database, kind: str) -> None:
    given = await world.tokens()

    answer = await world.app.http.post(f"{AUTH}/revoke", data={"token": given[kind]}, auth=world.app.auth)

    assert answer.status_code == 200
    assert error(await world.app.refresh(given["refresh_token"])) == (400, "invalid_grant")
    assert await is_revoked(database, revocations.of_session(UUID(claims_of(given["access_token"])["sid"])))


async def test_nobody_hands_back_what_is_anothers(doors: Doors, world: World) -> None:
    given = await world.tokens()
    other = await register(doors.client, world.someone.headers)

    answers = [
        await doors.client.post(f"{AUTH}/revoke", data={"token": token}, auth=other.auth)
        for token in (given["refresh_token"], given["access_token"], world.someone.access_token, "x", "a.b.c")
    ]

    assert [answer.status_code for answer in answers] == [200] * 5, "which of these are tokens stays unsaid"
    assert (await world.app.refresh(given["refresh_token"])).status_code == 200


async def test_a_machines_token_is_handed_back_alone(doors: Doors, database: Database) -> None:
    machine = await register_machine(doors.client, (await doors.newcomer()).headers)
    first, second = [(await machine.token(grant_type="client_credentials")).json() for _ in range(2)]

    await doors.client.post(f"{AUTH}/revoke", data={"token": first["access_token"]}, auth=machine.auth)

    sids = [UUID(claims_of(each["access_token"])["sid"]) for each in (first, second)]
    assert [await is_revoked(database, revocations.of_session(sid)) for sid in sids] == [True, False]


async def test_userinfo_tells_what_the_scopes_say(world: World) -> None:
    async def asked(scope: str) -> httpx2.Response:
        token = (await world.tokens(scope))["access_token"]
        return await world.app.http.get(f"{AUTH}/userinfo", headers={"Authorization": f"Bearer {token}"})

    bare, full, none = await asked("openid"), await asked("openid email profile"), await asked("course:read")

    assert bare.json() == {"sub": world.someone.person_id}
    assert full.json()["email"] == world.someone.email
    assert full.json()["email_verified"] is False
    assert (none.status_code, "insufficient_scope" in none.headers["www-authenticate"]) == (403, True)


async def test_userinfo_without_a_token_is_refused(doors: Doors) -> None:
    answer = await doors.client.post(f"{AUTH}/userinfo")

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")
