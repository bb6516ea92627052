"""An organization's own roles: made of what their maker may, and worth what they are made of within a second."""

import asyncio
from typing import Any

import httpx2
import pytest

from stoa_auth.organizations.powers import MEMBER_ROLES
from stoa_common.security import TokenVerifier
from stoa_common.testing import Delivery
from stoa_events.contracts import RoleChanged, RoleDeleted

from .conftest import Doors, Someone
from .test_members import place_of
from .test_revoking import Elsewhere, elsewhere  # noqa: F401  # a fixture

GRADER = {"name": "grader", "description": "Looks at answers.", "permissions": ["course:read", "attempt:read"]}
#: Who hands out roles without being an admin.
DEPUTY = {
    "name": "deputy",
    "description": "Hands out some roles.",
    "permissions": ["member:read", "member:write", "role:read", "role:write", "course:read", "attempt:read"],
}


class Roles:
    """An organization's roles over HTTP."""

    def __init__(self, doors: Doors) -> None:
        self.doors = doors

    def path(self, who: Someone, name: str = "") -> str:
        return f"/api/v1/auth/organizations/{who.organization_id}/roles" + (f"/{name}" if name else "")

    async def make(self, who: Someone, **fields: Any) -> httpx2.Response:
        return await self.doors.client.post(self.path(who), json=GRADER | fields, headers=who.headers)

    async def change(self, who: Someone, name: str, **fields: Any) -> httpx2.Response:
        return await self.doors.client.patch(self.path(who, name), json=fields, headers=who.headers)

    async def show(self, who: Someone, name: str) -> httpx2.Response:
        return await self.doors.client.get(self.path(who, name), headers=who.headers)

    async def delete(self, who: Someone, name: str) -> httpx2.Response:
        return await self.doors.client.delete(self.path(who, name), headers=who.headers)

    async def holder(self, owner: Someone, **fields: Any) -> Someone:
        """A member with a new role of these fields, and no other."""
        made = await self.make(owner, **fields)
        assert made.status_code == 201, made.text
        return await self.doors.member(owner, made.json()["name"])


@pytest.fixture
def roles(doors: Doors) -> Roles:
    return Roles(doors)


async def may(doors: Doors, who: Someone) -> set[str]:
    """What a new token of theirs says."""
    token = (await doors.enter(who.email)).access_token
    verifier: TokenVerifier = doors.client._transport.app.state.verifier  # type: ignore[attr-defined]
    return set((await verifier.verify(token)).permissions)


async def test_an_organization_makes_sees_changes_and_deletes_a_role(roles: Roles, doors: Doors) -> None:
    owner = await doors.newcomer()

    made = await roles.make(owner)
    changed = await roles.change(owner, "grader", permissions=["attempt:read"])
    listed = (await doors.client.get(roles.path(owner), headers=owner.headers)).json()["items"]
    deleted = await roles.delete(owner, "grader")

    assert (made.status_code, made.json()) == (201, GRADER | {"is_own": True})
    assert changed.json()["permissions"] == ["attempt:read"]
    assert [role["name"] for role in listed] == [*MEMBER_ROLES, "grader"]
    assert (deleted.status_code, (await roles.show(owner, "grader")).status_code) == (204, 404)


async def test_its_holder_may_what_it_is_made_of_and_has_an_account(roles: Roles, doors: Doors) -> None:
    owner = await doors.newcomer()
    grader = await roles.holder(owner)

    assert await may(doors, grader) == {"course:read", "attempt:read", "account:read:own", "account:write:own"}


async def test_roles_of_two_organizations_have_nothing_in_common(roles: Roles, doors: Doors) -> None:
    here, there = await doors.newcomer(), await doors.newcomer()
    await roles.make(here)

    answer = await doors.client.post(
        f"/api/v1/auth/organizations/{there.organization_id}/invitations",
        json={"roles": ["grader"]},
        headers=there.headers,
    )

    assert answer.status_code == 422
    assert (await roles.show(there, "grader")).status_code == 404
    assert (await doors.client.get(roles.path(here), headers=there.headers)).status_code == 404


async def test_what_a_role_is_made_of_is_told(roles: Roles, doors: Doors, delivery: Delivery) -> None:
    owner = await doors.newcomer()
    await roles.make(owner)
    await roles.change(owner, "grader", description="Reads answers.")
    await roles.change(owner, "grader", description="Reads answers.")
    await roles.delete(owner, "grader")

    told = [e for e in await delivery.recorded(RoleChanged) if str(e.orgid) == owner.organization_id]
    deleted = [e for e in await delivery.recorded(RoleDeleted) if str(e.orgid) == owner.organization_id]

    assert [(e.role, e.description, e.permissions) for e in told] == [
        ("grader", "Looks at answers.", ["course:read", "attempt:read"]),
        ("grader", "Reads answers.", ["course:read", "attempt:read"]),
    ]
    assert [e.role for e in deleted] == ["grader"]


async def test_nobody_puts_into_a_role_what_they_lack(roles: Roles, doors: Doors) -> None:
    owner = await doors.newcomer()
    deputy = await roles.holder(owner, **DEPUTY)
    await roles.make(owner)

    answers = [
        await roles.make(deputy, name="writer", permissions=["course:write"]),
        await roles.change(deputy, "grader", permissions=["course:read", "person:read"]),
    ]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert "person:read" in answers[1].json()["detail"]
    assert (await roles.make(deputy, name="reader", permissions=["course:read"])).status_code == 201


async def test_nobody_touches_a_role_that_allows_more_than_they_may(roles: Roles, doors: Doors) -> None:
    owner = await doors.newcomer()
    deputy = await roles.holder(owner, **DEPUTY)
    await roles.make(owner, name="writer", permissions=["course:write"])

    answers = [await roles.change(deputy, "writer", description="Mine."), await roles.delete(deputy, "writer")]

    assert [answer.status_code for answer in answers] == [403, 403]


async def test_nobody_gives_themselves_more_by_a_role(roles: Roles, doors: Doors) -> None:
    owner = await doors.newcomer()
    deputy = await roles.holder(owner, **DEPUTY)
    await roles.make(owner, name="writer", permissions=["course:write"])

    answers = [
        await roles.change(deputy, "deputy", permissions=[*DEPUTY["permissions"], "course:write"]),
        await doors.client.patch(place_of(deputy), json={"roles": ["deputy", "writer"]}, headers=deputy.headers),
        await doors.client.patch(place_of(deputy), json={"roles": ["admin"]}, headers=deputy.headers),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Grader"},
        {"name": "grader "},
        {"name": "-"},
        {"name": ""},
        {"permissions": []},
        {"permissions": ["platform:write"]},
        {"permissions": ["ownership:write"]},
        {"permissions": ["course:burn"]},
        {"description": ""},
        {"color": "red"},
    ],
)
async def test_what_is_no_role_is_refused(roles: Roles, doors: Doors, wrong: dict[str, Any]) -> None:
    owner = await doors.newcomer()

    assert (await roles.make(owner, **wrong)).status_code == 422


@pytest.mark.parametrize("name", ["admin", "operator", "grader"])
async def test_a_name_that_is_taken_is_refused(roles: Roles, doors: Doors, name: str) -> None:
    owner = await doors.newcomer()
    await roles.make(owner)

    assert (await roles.make(owner, name=name)).status_code == 409


async def test_the_roles_of_all_organizations_are_nobodys_to_change(roles: Roles, doors: Doors) -> None:
    owner = await doors.newcomer()

    answers = [
        await roles.change(owner, "learner", permissions=["course:write"]),
        await roles.delete(owner, "learner"),
    ]

    assert [answer.status_code for answer in answers] == [409, 409]


async def test_a_role_stays_while_somebody_has_it_or_may_get_it(roles: Roles, doors: Doors) -> None:
    owner = await doors.newcomer()
    grader = await roles.holder(owner)
    held = await roles.delete(owner, "grader")
    await doors.client.patch(place_of(grader), json={"roles": ["learner"]}, headers=owner.headers)
    await doors.invite(owner, "grader")

    offered = await roles.delete(owner, "grader")

    assert (held.status_code, offered.status_code) == (409, 409)
    assert "Members who have this role: 1" in held.json()["detail"]


async def test_a_role_is_given_or_deleted_but_never_both(roles: Roles, doors: Doors) -> None:
    for _ in range(5):
        owner = await doors.newcomer()
        member = await doors.member(owner, "learner")
        await roles.make(owner)

        given, deleted = await asyncio.gather(
            doors.client.patch(place_of(member), json={"roles": ["grader"]}, headers=owner.headers),
            roles.delete(owner, "grader"),
        )

        assert (given.status_code, deleted.status_code) in {(200, 409), (422, 204)}


async def test_one_of_two_who_make_a_role_at_once_makes_it(roles: Roles, doors: Doors) -> None:
    owner = await doors.newcomer()

    answers = await asyncio.gather(roles.make(owner), roles.make(owner))

    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_a_changed_role_ends_its_holders_tokens_and_nobody_elses(
    roles: Roles,
    doors: Doors,
    elsewhere: Elsewhere,  # noqa: F811  # the fixture
) -> None:
    owner = await doors.newcomer()
    graders = [await roles.holder(owner), await doors.member(owner, "grader", "learner")]
    learner = await doors.member(owner, "learner")

    await roles.change(owner, "grader", permissions=["course:read"])

    for grader in graders:
        assert not await elsewhere.takes_within_a_second(grader.access_token, expected=False)
    assert await elsewhere.takes(learner.access_token)
    assert await elsewhere.takes(owner.access_token)
    renewed = (await doors.refresh(graders[0].refresh_token)).json()["access_token"]
    assert (await elsewhere.verifier.verify(renewed)).permissions == {
        "course:read",
        "account:read:own",
        "account:write:own",
    }


async def test_a_changed_role_ends_the_tokens_of_keys(
    roles: Roles,
    doors: Doors,
    elsewhere: Elsewhere,  # noqa: F811  # the fixture
) -> None:
    owner = await doors.newcomer()
    maker = ["course:read", "attempt:read", "api-key:write:own"]
    grader = await roles.holder(owner, permissions=maker)
    key = await doors.make_key(grader, scopes=["attempt:read", "course:read"])
    before = (await doors.exchange(key["key"])).json()["access_token"]

    await roles.change(owner, "grader", permissions=["course:read"])

    assert not await elsewhere.takes_within_a_second(before, expected=False)
    after = (await doors.exchange(key["key"])).json()["access_token"]
    assert (await elsewhere.verifier.verify(after)).permissions == {"course:read"}


async def test_no_token_says_what_a_role_was_once_it_was_changed(
    roles: Roles,
    doors: Doors,
    elsewhere: Elsewhere,  # noqa: F811  # the fixture
) -> None:
    owner = await doors.newcomer()
    grader = await roles.holder(owner)
    for allowed in (["course:read"], ["attempt:read"], ["course:read"], ["attempt:read"]):
        changed, *opened = await asyncio.gather(
            roles.change(owner, "grader", permissions=allowed), *(doors.log_in(grader.email) for _ in range(4))
        )

        assert {changed.status_code, *(answer.status_code for answer in opened)} == {200}
        await asyncio.sleep(0.3)
        for token in [answer.json()["access_token"] for answer in opened]:
            if await elsewhere.takes(token):
                said = (await elsewhere.verifier.verify(token)).permissions
                assert said == {*allowed, "account:read:own", "account:write:own"}


async def test_a_role_of_many_holders_costs_two_revocations(roles: Roles, doors: Doors) -> None:
    owner = await doors.newcomer()
    for _ in range(3):
        await doors.member(owner, "learner")
    await roles.holder(owner)
    before = await _revocations(doors)

    await roles.change(owner, "grader", permissions=["course:read"])

    assert await _revocations(doors) - before == 2


async def _revocations(doors: Doors) -> int:
    upto: int = (await doors.client.get("/internal/revocations", params={"after": 0})).json()["upto"]
    return upto
