"""Attempts to become somebody else by a provider of one's own: anybody can found an organization and connect one."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from stoa_auth.accounts.passwords import Passwords
from stoa_common import clock
from stoa_common.database import Database
from stoa_common.resources import Resources
from stoa_common.testing.identities import Identities

from . import oauth_world
from .conftest import Doors, Someone, an_address
from .operators import an_operator
from .sign_on_world import AUTH, World, a_domain, a_sub, providing


@pytest.fixture
def world(doors: Doors, identities: Identities) -> World:
    return World(doors, identities)


async def somebody_at(doors: Doors, domain: str, **fields: Any) -> Someone:
    """Somebody new with an address of this domain."""
    email = an_address().replace("example.org", domain)
    assert (await doors.register(email, **fields)).status_code == 202
    return await doors.enter(email)


async def test_a_provider_can_not_claim_the_address_of_somebody_elsewhere(world: World, doors: Doors) -> None:
    evil, victim = await doors.newcomer(), await doors.newcomer()
    async with providing() as provider:
        connection = await world.connect(evil, provider)
        answer = await world.sign_on(connection, provider, sub=a_sub(), email=victim.email, email_verified=True)

    assert answer.status_code == 409
    assert await world.identities_of(victim) == []


async def test_a_proved_domain_gives_no_power_over_who_is_no_member(world: World, doors: Doors) -> None:
    admin, domain = await doors.newcomer(), a_domain()
    victim = await somebody_at(doors, domain)
    await world.prove(domain, admin)
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        answer = await world.sign_on(connection, provider, sub=a_sub(), email=victim.email, email_verified=True)

    assert answer.status_code == 409
    assert await world.identities_of(victim) == []


@pytest.mark.parametrize(
    ("is_proved", "is_verified", "status"), [(False, True, 409), (True, False, 409), (True, True, 303)]
)
async def test_a_member_is_met_only_by_a_verified_address_of_a_proved_domain(
    world: World, doors: Doors, is_proved: bool, is_verified: bool, status: int
) -> None:
    admin, domain = await doors.newcomer(), a_domain()
    member = await somebody_at(doors, domain, invitation=await doors.invite(admin, "learner"))
    if is_proved:
        await world.prove(domain, admin)
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        told: dict[str, Any] = {"sub": a_sub(), "email": member.email, "email_verified": is_verified}
        answer = await world.sign_on(connection, provider, **told)

    assert answer.status_code == status
    assert len(await world.identities_of(member)) == (status == 303)


async def test_an_admins_provider_does_not_make_them_the_owner(world: World, doors: Doors) -> None:
    owner, domain = await somebody_at(doors, domain := a_domain()), domain
    admin = await doors.member(owner, "admin")
    await world.prove(domain, owner)
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        answer = await world.sign_on(connection, provider, sub=a_sub(), email=owner.email, email_verified=True)

    assert answer.status_code == 409
    assert await world.identities_of(owner) == []


async def test_who_gets_a_colleagues_address_does_not_get_their_account(world: World, doors: Doors) -> None:
    admin, domain = await doors.newcomer(), a_domain()
    await world.prove(domain, admin)
    told: dict[str, Any] = {"email": f"ada@{domain}", "email_verified": True}
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        await world.enter(connection, provider, sub=a_sub(), **told)
        answer = await world.sign_on(connection, provider, sub=a_sub(), **told)

    assert answer.status_code == 409


async def test_the_same_subject_at_another_connection_is_somebody_else(world: World, doors: Doors) -> None:
    admin, evil, sub = await doors.newcomer(), await doors.newcomer(), a_sub()
    async with providing() as provider, providing() as other:
        first, second = await world.connect(admin, provider), await world.connect(evil, other)
        ada = await world.enter(first, provider, sub=sub, email=an_address())
        mallory = await world.enter(second, other, sub=sub, email=an_address())

    assert ada.person_id != mallory.person_id


async def test_nobody_takes_addresses_of_a_domain_that_another_organization_has_proved(
    world: World, doors: Doors
) -> None:
    """Pre-hijacking: an account that waits for its victim to come."""
    admin, evil, domain = await doors.newcomer(), await doors.newcomer(), a_domain()
    await world.prove(domain, admin)
    async with providing() as provider:
        connection = await world.connect(evil, provider)
        answer = await world.sign_on(connection, provider, sub=a_sub(), email=f"ada@{domain}", email_verified=True)

    assert answer.status_code == 409


async def test_a_session_of_one_organizations_provider_stays_in_that_organization(world: World, doors: Doors) -> None:
    evil, victim, sub, browser = await doors.newcomer(), await doors.newcomer(), a_sub(), world.browser()
    async with providing() as provider:
        connection = await world.connect(evil, provider)
        await browser.get(provider.vouch(await world.link(victim, connection, browser), sub=sub))
        mallory = await world.enter(connection, provider, sub=sub)

    assert (mallory.person_id, mallory.organization_id) == (victim.person_id, evil.organization_id)
    switched = await doors.client.post(
        f"{AUTH}/sessions/switch", json={"organization_id": victim.organization_id}, headers=mallory.headers
    )
    members = await doors.client.get(f"{AUTH}/organizations/{victim.organization_id}/members", headers=mallory.headers)
    refreshed = (await doors.refresh(mallory.refresh_token)).json()
    assert (switched.status_code, refreshed["organization_id"]) == (403, evil.organization_id)
    assert members.status_code in (403, 404)


async def test_a_client_of_another_organization_gets_no_code_by_a_providers_session(world: World, doors: Doors) -> None:
    evil, victim, sub, browser = await doors.newcomer(), await doors.newcomer(), a_sub(), world.browser()
    app = await oauth_world.register(doors.client, victim.headers)
    async with providing() as provider:
        connection = await world.connect(evil, provider)
        await browser.get(provider.vouch(await world.link(victim, connection, browser), sub=sub))
        mallory = world.browser()
        await world.sign_on(connection, provider, browser=mallory, sub=sub)
    assert (await world.who(mallory))["person_id"] == victim.person_id
    answer = await mallory.get(app.link())

    assert oauth_world.told(answer)["error"] == "access_denied"


async def test_an_app_gets_no_more_by_a_providers_session_and_for_no_longer(world: World, doors: Doors) -> None:
    admin = await doors.newcomer()
    app = await oauth_world.register(doors.client, admin.headers, scopes=oauth_world.OFFLINE)
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        browser = world.browser()
        await world.sign_on(connection, provider, browser=browser, sub=a_sub(), email=an_address())
    sits_at = oauth_world.Browser(doors.client, dict(browser.cookies))
    tokens = (
        await app.redeem(await oauth_world.code_of(sits_at, app, scope="openid course:read offline_access"))
    ).json()

    claims = oauth_world.claims_of(tokens["access_token"])
    assert (claims["org"], "fed" in claims["amr"]) == (admin.organization_id, True)
    assert "account:write:own" not in claims["permissions"]
    with time_machine.travel(clock.now() + timedelta(hours=25)):
        assert (await app.refresh(tokens["refresh_token"])).status_code == 400


OF_THE_PERSON = [
    ("DELETE", "/me", None),
    ("PUT", "/me/password", {"current_password": "a guess that fails", "password": "correct horse battery"}),
    ("POST", "/me/identities", {"connection_id": "0199aaaa-0000-7000-8000-000000000000"}),
    ("POST", "/me/exports", None),
    ("GET", "/me/exports/0199aaaa-0000-7000-8000-000000000000/archive", None),
    ("DELETE", "/sessions", None),
    ("POST", "/verify-email/again", None),
]


@pytest.mark.parametrize(("method", "path", "body"), OF_THE_PERSON)
async def test_a_providers_session_changes_nothing_of_the_account(
    world: World, doors: Doors, method: str, path: str, body: Any
) -> None:
    """A passkey planted, an address changed, an account erased: all of that would outlast the organization's word."""
    admin = await doors.newcomer()
    async with providing(claims={"amr": ["pwd", "mfa", "otp"]}) as provider:
        connection = await world.connect(admin, provider)
        someone = await world.enter(connection, provider, sub=a_sub(), email=an_address())
    answer = await doors.client.request(method, f"{AUTH}{path}", json=body, headers=someone.headers)

    assert answer.status_code == 403, answer.text


async def test_who_signed_on_sees_their_account_and_logs_out(world: World, doors: Doors) -> None:
    admin = await doors.newcomer()
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        someone = await world.enter(connection, provider, sub=a_sub(), email=an_address())

    assert (await doors.client.get(f"{AUTH}/me", headers=someone.headers)).status_code == 200
    assert (await doors.client.post(f"{AUTH}/logout", headers=someone.headers)).status_code == 204
    assert (await doors.refresh(someone.refresh_token)).status_code == 401


async def test_no_provider_speaks_for_an_operator(
    world: World, doors: Doors, database: Database, resources: Resources
) -> None:
    evil, operator = await doors.newcomer(), await an_operator(doors, database, resources.get(Passwords))
    async with providing() as provider:
        connection = await world.connect(evil, provider)
        answer = await world.sign_on(connection, provider, sub=a_sub(), email=operator.email, email_verified=True)
        body = {"connection_id": connection["id"]}
        linked = await doors.client.post(f"{AUTH}/me/identities", json=body, headers=operator.headers)

    assert (answer.status_code, linked.status_code) == (403, 403)


async def test_a_link_that_an_attacker_began_does_not_catch_a_victims_identity(world: World, doors: Doors) -> None:
    """The victim's identity would log in to the attacker's account, and leave there what is the victim's."""
    admin, attacker, sub = await doors.newcomer(), await doors.newcomer(), a_sub()
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        url = await world.link(attacker, connection, world.browser())
        victim = world.browser()
        await world.begin(victim, connection)
        answer = await victim.get(provider.vouch(url, sub=sub))

    assert answer.status_code == 400
    assert await world.identities_of(attacker) == []


async def test_an_identity_is_linked_with_one_account_alone(world: World, doors: Doors) -> None:
    admin, ada, browser, sub = await doors.newcomer(), await doors.newcomer(), world.browser(), a_sub()
    async with providing() as provider:
        connection = await world.connect(admin, provider)
        await world.enter(connection, provider, sub=sub, email=an_address())
        answer = await browser.get(provider.vouch(await world.link(ada, connection, browser), sub=sub))

    assert answer.status_code == 409
    assert await world.identities_of(ada) == []


async def test_nobody_gives_by_a_provider_what_they_could_not_give_by_hand(world: World, doors: Doors) -> None:
    owner = await doors.newcomer()
    admin = await doors.member(owner, "admin")
    async with providing() as provider:
        made = [
            await world.try_to_connect(admin, provider.issuer, **fields)
            for fields in (
                {"default_roles": ["owner"]},
                {"role_mapping": {"heads": "owner"}},
                {"default_roles": ["king"]},
            )
        ]
        of_owner = await world.connect(owner, provider, roles_claim="groups", role_mapping={"heads": "owner"})
        # A claim that its people can write themselves would do.
        changed = await world.change(admin, of_owner, roles_claim="nickname")

    assert [answer.status_code for answer in made] == [403, 403, 422]
    assert changed.status_code == 403


async def test_a_role_that_may_only_connect_providers_does_not_get_everybodys_permissions_by_one(
    world: World, doors: Doors
) -> None:
    owner = await doors.newcomer()
    role = {"name": "connector", "description": "Connects providers.", "permissions": ["sign-on:read", "sign-on:write"]}
    path = f"{AUTH}/organizations/{owner.organization_id}/roles"
    assert (await doors.client.post(path, json=role, headers=owner.headers)).status_code == 201
    connector = await doors.member(owner, "connector")
    async with providing() as provider:
        answer = await world.try_to_connect(connector, provider.issuer)

    assert answer.status_code == 403
    assert "member:write" in answer.json()["detail"]


async def test_another_organizations_connection_does_not_exist(world: World, doors: Doors) -> None:
    admin, stranger = await doors.newcomer(), await doors.newcomer()
    learner = await doors.member(admin, "learner")
    async with providing() as provider:
        connection = await world.connect(admin, provider)
    path = f"{AUTH}/sign-on-connections/{connection['id']}"
    answers = [
        (await doors.client.request(method, path, json=body, headers=who.headers)).status_code
        for who in (stranger, learner)
        for method, body in (("GET", None), ("PATCH", {"name": "Mine"}), ("DELETE", None))
    ]

    assert answers == [404, 404, 404, 403, 403, 403]
    assert "s3cret" not in (await doors.client.get(path, headers=admin.headers)).text


async def test_a_domain_is_one_organizations_and_only_operators_say_whose(
    world: World, doors: Doors, identities: Identities
) -> None:
    admin, evil, domain = await doors.newcomer(), await doors.newcomer(), a_domain()
    await world.prove(domain, admin)
    path, body = f"{AUTH}/sign-on-domains/{domain}", {"organization_id": evil.organization_id}
    operator = identities.headers(identities.principal("operator"))

    assert (await doors.client.put(path, json=body, headers=evil.headers)).status_code == 403
    assert (await doors.client.put(path, json=body, headers=operator)).status_code == 409
    assert [each["domain"] for each in await listed(doors, admin)] == [domain]
    assert await listed(doors, evil) == []
    assert (await doors.client.delete(path, headers=operator)).status_code == 204
    assert (await doors.client.delete(path, headers=operator)).status_code == 404


async def listed(doors: Doors, admin: Someone) -> list[dict[str, Any]]:
    answer = await doors.client.get(f"{AUTH}/sign-on-domains", headers=admin.headers)
    found: list[dict[str, Any]] = answer.json()["items"]
    return found
