"""Who may act for the organization, as its directory says it: suspended, resumed, deleted, made again."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from stoa_auth.database import Membership, Revocation
from stoa_common import revocations
from stoa_common.database import Database

from . import test_revoking
from .conftest import Doors, Someone, an_address
from .directory import PATCH, USER, DirectoryOf, person_of, verify
from .postbox import Postbox
from .test_revoking import Elsewhere, is_refused

elsewhere = test_revoking.elsewhere
OFF: list[dict[str, Any]] = [
    {"op": "replace", "path": "active", "value": False},
    {"op": "Replace", "path": "active", "value": "False"},
    {"op": "replace", "value": {"active": False}},
    {"op": "Replace", "value": {"active": "False"}},
    {"op": "replace", "path": f"{USER}:active", "value": "false"},
]


async def user_of(directory: DirectoryOf, someone: Someone) -> dict[str, Any]:
    [user] = await directory.find(f'userName eq "{someone.email}"')
    return user


def turned(value: bool) -> dict[str, Any]:
    return {"op": "replace", "path": "active", "value": value}


async def test_deactivation_reaches_whoever_takes_the_tokens_the_session_and_the_keys(
    doors: Doors, elsewhere: Elsewhere
) -> None:
    directory = await DirectoryOf.somebody(doors)
    member = await doors.member(directory.owner, "author")
    key = await doors.make_key(member, scopes=["course:read"])
    user = await user_of(directory, member)
    assert await elsewhere.takes(member.access_token)

    await directory.patch(f"/Users/{user['id']}", turned(False))

    assert await is_refused(elsewhere, member.access_token)
    assert (await doors.refresh(member.refresh_token)).json().get("organization_id") is None
    assert not await doors.opens(key["key"])


async def test_who_is_active_again_gets_new_tokens_and_the_old_ones_stay_refused(
    doors: Doors, elsewhere: Elsewhere
) -> None:
    directory = await DirectoryOf.somebody(doors)
    member = await doors.member(directory.owner, "author")
    key = await doors.make_key(member, scopes=["course:read"])
    path = f"/Users/{(await user_of(directory, member))['id']}"
    await directory.patch(path, turned(False))

    await directory.patch(path, turned(True))

    again = await doors.enter(member.email)
    assert again.organization_id == directory.owner.organization_id
    assert await elsewhere.takes_within_a_second(again.access_token, expected=True)
    assert await is_refused(elsewhere, member.access_token)
    assert await doors.opens(key["key"])
    assert (await directory.members())[member.email]["roles"] == ["author"]


@pytest.mark.parametrize("operation", OFF)
async def test_inactive_is_understood_however_it_is_said(doors: Doors, operation: dict[str, Any]) -> None:
    directory = await DirectoryOf.somebody(doors)
    user = await directory.user()

    off = await directory.patch(f"/Users/{user['id']}", operation)

    assert off["active"] is False
    assert (await directory.members())[user["userName"]]["suspended_at"]


async def test_inactive_twice_changes_nothing_the_second_time(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user = await directory.user()
    off = await directory.patch(f"/Users/{user['id']}", turned(False))

    assert await directory.patch(f"/Users/{user['id']}", turned(False)) == off


async def test_who_is_deleted_and_made_again_is_asked_and_has_nothing_of_before(doors: Doors, postbox: Postbox) -> None:
    directory = await DirectoryOf.somebody(doors)
    member = await doors.member(directory.owner, "learner")
    await verify(doors, postbox, member.email)
    user = await user_of(directory, member)
    group = await directory.group("stoa:author", user)
    assert (await directory.ask("DELETE", f"/Users/{user['id']}")).status_code == 204

    again = await directory.user(member.email)

    assert again["id"] != user["id"]
    assert (await directory.ask("GET", f"/Users/{user['id']}")).status_code == 404
    assert member.email not in await directory.members()
    body = {"invitation": await postbox.code(member.email, "invitation")}
    headers = (await doors.enter(member.email)).headers
    answer = await doors.client.post("/api/v1/auth/invitations/accept", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert (await directory.members())[member.email]["roles"] == ["learner"]
    assert "members" not in await directory.told("GET", f"/Groups/{group['id']}")


async def test_who_is_deleted_is_deleted_once(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user = await directory.user()
    await directory.ask("DELETE", f"/Users/{user['id']}")

    await directory.told("DELETE", f"/Users/{user['id']}", code=404)
    await directory.told("PATCH", f"/Users/{user['id']}", {"schemas": [PATCH], "Operations": [turned(True)]}, code=404)


async def test_of_two_owners_one_may_be_suspended_and_then_the_other_stays(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    second = await doors.member(directory.owner, "owner")
    first, other = await user_of(directory, directory.owner), await user_of(directory, second)

    off = await directory.patch(f"/Users/{other['id']}", turned(False))

    assert off["active"] is False
    for operation in OFF:
        body = {"schemas": [PATCH], "Operations": [operation]}
        await directory.told("PATCH", f"/Users/{first['id']}", body, code=409)
    assert await user_of(directory, directory.owner) == first
    assert (await doors.enter(directory.owner.email)).organization_id == directory.owner.organization_id


async def test_an_admins_key_neither_suspends_nor_resumes_an_owner(doors: Doors) -> None:
    owner = await doors.newcomer()
    second = await doors.member(owner, "owner")
    admin = await doors.member(owner, "admin")
    directory = await DirectoryOf.by(doors, admin, scopes=["scim:write"])
    path = f"/Users/{(await user_of(directory, second))['id']}"

    for operation in OFF:
        await directory.told("PATCH", path, {"schemas": [PATCH], "Operations": [operation]}, code=403)

    assert (await doors.enter(second.email)).organization_id == owner.organization_id


async def test_who_moves_and_is_made_inactive_at_once_gets_no_invitation(doors: Doors, postbox: Postbox) -> None:
    directory = await DirectoryOf.somebody(doors)
    somebody, other = await doors.newcomer(), await doors.newcomer()
    user = await directory.user(somebody.email)

    moved = {"op": "replace", "value": {"userName": other.email, "active": False}}
    changed = await directory.patch(f"/Users/{user['id']}", moved)

    assert (changed["userName"], changed["active"]) == (other.email, False)
    assert "invitation" not in [letter.kind for letter in await postbox.letters(other.email)]


async def test_who_moves_and_is_made_active_at_once_gets_one_invitation(doors: Doors, postbox: Postbox) -> None:
    directory = await DirectoryOf.somebody(doors)
    somebody, other = await doors.newcomer(), await doors.newcomer()
    user = await directory.user(somebody.email, active=False)

    moved = {"op": "replace", "value": {"userName": other.email, "active": True}}
    await directory.patch(f"/Users/{user['id']}", moved)

    assert [letter.kind for letter in await postbox.letters(other.email)].count("invitation") == 1
    assert "invitation" not in [letter.kind for letter in await postbox.letters(somebody.email)]


async def test_a_suspended_users_tokens_are_refused_from_then_on(doors: Doors, database: Database) -> None:
    directory = await DirectoryOf.somebody(doors)
    member = await doors.member(directory.owner, "learner")
    [user] = await directory.find(f'userName eq "{member.email}"')

    await directory.patch(f"/Users/{user['id']}", {"op": "replace", "path": "active", "value": False})

    subject = revocations.of_member(UUID(member.person_id), UUID(directory.owner.organization_id))
    async with database.transaction() as session:
        revoked = await session.scalars(select(Revocation).where(Revocation.subject == subject))
    assert len(revoked.all()) == 1


async def test_inactive_suspends_the_membership_and_active_resumes_it(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    member = await doors.member(directory.owner, "learner")
    [user] = await directory.find(f'userName eq "{member.email}"')

    off = await directory.patch(f"/Users/{user['id']}", {"op": "replace", "path": "active", "value": False})

    assert off["active"] is False
    assert off["meta"]["version"] != user["meta"]["version"]
    assert (await doors.log_in(member.email)).json().get("organization_id") is None
    assert await directory.find("active eq false") == [off]

    on = await directory.patch(f"/Users/{user['id']}", {"op": "replace", "value": {"active": True}})

    assert on["active"] is True
    assert (await doors.enter(member.email)).organization_id == directory.owner.organization_id


async def test_a_user_who_is_made_inactive_is_a_member_who_can_not_act(doors: Doors, database: Database) -> None:
    directory, email = await DirectoryOf.somebody(doors), an_address()

    user = await directory.user(email, active=False)

    person = await person_of(database, email)
    assert person is not None
    async with database.transaction() as session:
        membership = await session.get_one(Membership, (UUID(directory.owner.organization_id), person.id))
    assert user["active"] is False
    assert membership.suspended_at is not None


async def test_deleting_a_user_ends_the_membership_and_leaves_the_account(doors: Doors, database: Database) -> None:
    directory, email = await DirectoryOf.somebody(doors), an_address()
    user = await directory.user(email)

    assert (await directory.ask("DELETE", f"/Users/{user['id']}")).status_code == 204

    assert email not in await directory.members()
    assert (await directory.ask("GET", f"/Users/{user['id']}")).status_code == 404
    assert await person_of(database, email) is not None


async def test_deleting_a_user_touches_no_other_organization(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    member = await doors.member(directory.owner, "learner")
    made = await doors.client.post("/api/v1/auth/organizations", json={"name": "Their own"}, headers=member.headers)
    [user] = await directory.find(f'userName eq "{member.email}"')

    await directory.ask("DELETE", f"/Users/{user['id']}")

    there = await doors.log_in(member.email)
    assert there.status_code == 200
    assert there.json()["organization_id"] == (made.json()["id"] if made.status_code == 201 else None)


async def test_the_last_owner_is_neither_suspended_nor_removed(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    [owner] = await directory.find(f'userName eq "{directory.owner.email}"')
    body = {"schemas": [USER], "userName": directory.owner.email, "active": False}

    suspended = await directory.told("PUT", f"/Users/{owner['id']}", body, code=409)
    removed = await directory.told("DELETE", f"/Users/{owner['id']}", code=409)

    assert suspended["status"] == removed["status"] == "409"
    assert (await doors.log_in(directory.owner.email)).status_code == 200


async def test_a_key_takes_nothing_from_who_may_do_more_than_its_person(doors: Doors) -> None:
    owner = await doors.newcomer()
    admin = await doors.member(owner, "admin")
    directory = await DirectoryOf.by(doors, admin, scopes=["scim:write"])
    [user] = await directory.find(f'userName eq "{owner.email}"')

    assert (await directory.ask("DELETE", f"/Users/{user['id']}")).status_code == 403
