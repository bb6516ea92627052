"""An organization may admit only who signed on by its provider."""

import pytest

from stoa_auth.accounts.passwords import Passwords
from stoa_common.database import Database
from stoa_common.resources import Resources
from stoa_common.testing.identities import Identities

from .conftest import Doors, Someone, an_address
from .operators import an_operator
from .sign_on_world import AUTH, World, a_sub, providing

POLICY = f"{AUTH}/sign-on-policy"


@pytest.fixture
def world(doors: Doors, identities: Identities) -> World:
    return World(doors, identities)


async def require(doors: Doors, admin: Someone, *, required: bool = True) -> int:
    answer = await doors.client.put(POLICY, json={"required": required}, headers=admin.headers)
    return answer.status_code


async def test_a_password_does_not_act_for_an_organization_that_asks_for_its_provider(
    world: World, doors: Doors
) -> None:
    owner, sub, browser = await doors.newcomer(), a_sub(), world.browser()
    member = await doors.member(owner, "admin")
    async with providing() as provider:
        connection = await world.connect(owner, provider)
        await browser.get(provider.vouch(await world.link(member, connection, browser), sub=sub))
        assert await require(doors, owner) == 200
        signed_on = await world.enter(connection, provider, sub=sub)

    named = await doors.log_in(member.email, organization_id=owner.organization_id)
    unnamed = await doors.enter(member.email)
    assert (named.status_code, named.json()["type"]) == (403, "urn:stoa:problem:sign-on-is-required")
    # Their account is still theirs.
    assert unnamed.organization_id is None
    assert (await doors.client.get(f"{AUTH}/me/identities", headers=unnamed.headers)).status_code == 200
    assert (await doors.refresh(member.refresh_token)).status_code == 401
    switch = {"organization_id": owner.organization_id}
    answer = await doors.client.post(f"{AUTH}/sessions/switch", json=switch, headers=unnamed.headers)
    assert answer.status_code == 404
    assert signed_on.organization_id == owner.organization_id
    assert (await doors.refresh(signed_on.refresh_token)).status_code == 200


async def test_an_owner_always_gets_in_and_takes_it_back(world: World, doors: Doors) -> None:
    owner = await doors.newcomer()
    member = await doors.member(owner, "learner")
    async with providing() as provider:
        await world.connect(owner, provider)
        assert await require(doors, owner) == 200

    again = await doors.enter(owner.email)
    assert again.organization_id == owner.organization_id
    assert (await doors.client.get(POLICY, headers=again.headers)).json() == {"required": True}
    assert await require(doors, again, required=False) == 200
    assert (await doors.enter(member.email)).organization_id == owner.organization_id
    acts = {"organization.require-sign-on", "organization.admit-without-sign-on"}
    assert acts <= {each["action"] for each in await world.log_of(again, "organization")}


async def test_without_a_connection_nobody_is_asked_for_one(doors: Doors) -> None:
    owner = await doors.newcomer()
    learner = await doors.member(owner, "learner")

    assert await require(doors, owner) == 409
    assert await require(doors, learner) == 403


async def test_an_operator_who_acts_in_a_members_place_is_let_in(
    world: World, doors: Doors, database: Database, resources: Resources
) -> None:
    owner = await doors.newcomer()
    member = await doors.member(owner, "learner")
    operator = await an_operator(doors, database, resources.get(Passwords))
    async with providing() as provider:
        connection = await world.connect(owner, provider)
        await world.enter(connection, provider, sub=a_sub(), email=an_address())
        assert await require(doors, owner) == 200
    body = {"reason": "They asked for help.", "organization_id": owner.organization_id}
    answer = await doors.client.post(
        f"{AUTH}/administration/people/{member.person_id}/impersonations", json=body, headers=operator.headers
    )

    assert answer.status_code in (200, 201), answer.text
