"""Users of a directory: who becomes a member, who is asked first, and whose name and address each is."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from stoa_auth.database import ScimUser
from stoa_auth.settings import Settings
from stoa_common import privacy
from stoa_common.database import Database
from stoa_common.resources import Resources
from stoa_common.testing.delivery import Delivery
from stoa_events.contracts import MemberJoined, UserRegistered

from .conftest import Doors, an_address
from .directory import ENTERPRISE, USER, DirectoryOf, person_of, verify
from .postbox import Postbox


async def test_a_user_becomes_an_account_and_a_member_and_is_asked_for_a_password(
    doors: Doors, postbox: Postbox, delivery: Delivery
) -> None:
    directory, email = await DirectoryOf.somebody(doors), an_address()

    user = await directory.user(email, name={"givenName": "Ada", "familyName": "Lovelace"}, externalId="42")

    member = (await directory.members())[email]
    assert (member["name"], member["roles"]) == ("Ada Lovelace", ["learner"])
    assert user["id"] != member["person_id"]
    assert user["externalId"] == "42"
    assert user["active"] is True
    assert await delivery.recorded(UserRegistered, person_id=UUID(member["person_id"]))
    assert await delivery.recorded(MemberJoined, person_id=UUID(member["person_id"]))
    [letter] = await postbox.letters(email)
    assert (letter.kind, letter.token is not None) == ("welcome", True)
    assert "My organization" in letter.text

    body = {"token": letter.token, "password": "another horse entirely"}
    assert (await doors.client.post("/api/v1/auth/reset-password", json=body)).status_code == 204
    someone = await doors.enter(email, password="another horse entirely")
    assert someone.organization_id == directory.owner.organization_id


async def test_what_was_said_is_answered_with_its_place_and_version(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    said: dict[str, Any] = {
        "userName": an_address(),
        "title": "Dr",
        "emails": [{"value": "a@b.org", "type": "work", "primary": True}],
    }
    said |= {"schemas": [USER, ENTERPRISE], ENTERPRISE: {"department": "Maths"}}

    answer = await directory.ask("POST", "/Users", said)

    user = answer.json()
    assert answer.status_code == 201
    assert {name: user[name] for name in said} == said
    assert user["meta"]["resourceType"] == "User"
    assert answer.headers["location"] == user["meta"]["location"]
    assert answer.headers["etag"] == user["meta"]["version"]
    assert user["meta"]["location"].endswith(f"/scim/v2/Users/{user['id']}")
    assert await directory.told("GET", f"/Users/{user['id']}") == user


async def test_what_stoa_has_no_use_for_is_not_kept(doors: Doors, database: Database) -> None:
    directory = await DirectoryOf.somebody(doors)

    more: dict[str, Any] = {"password": "a secret", "phoneNumbers": [{"value": "555"}], "urn:x:y": {"z": 1}}

    user = await directory.user(**more)

    async with database.transaction() as session:
        record = await session.get_one(ScimUser, UUID(user["id"]))
    assert set(user) == {"schemas", "id", "userName", "active", "meta"}
    assert set(record.attributes) == {"userName"}


async def test_an_address_that_has_an_account_is_invited_and_joins_only_by_accepting(
    doors: Doors, postbox: Postbox
) -> None:
    directory, somebody = await DirectoryOf.somebody(doors), await doors.newcomer()

    user = await directory.user(somebody.email, displayName="As the directory says")

    assert user["active"] is True
    assert somebody.email not in await directory.members()
    assert (await doors.enter(somebody.email)).organization_id == somebody.organization_id
    code = await postbox.code(somebody.email, "invitation")
    await verify(doors, postbox, somebody.email)
    answer = await doors.client.post(
        "/api/v1/auth/invitations/accept", json={"invitation": code}, headers=somebody.headers
    )
    assert answer.status_code == 200, answer.text
    assert (await directory.members())[somebody.email]["name"] != "As the directory says"
    assert (await directory.told("GET", f"/Users/{user['id']}"))["displayName"] == "As the directory says"


async def test_whether_an_address_has_an_account_shows_in_no_answer(doors: Doors) -> None:
    directory, somebody = await DirectoryOf.somebody(doors), await doors.newcomer()

    known, unknown = await directory.user(somebody.email), await directory.user(an_address())

    assert known.keys() == unknown.keys()
    assert {k: v for k, v in known["meta"].items() if k == "version"} == {"version": unknown["meta"]["version"]}


async def test_an_invitation_ends_with_the_user_that_it_was_for(doors: Doors, postbox: Postbox) -> None:
    directory, somebody = await DirectoryOf.somebody(doors), await doors.newcomer()
    user = await directory.user(somebody.email)
    code = await postbox.code(somebody.email, "invitation")
    await verify(doors, postbox, somebody.email)

    assert (await directory.ask("DELETE", f"/Users/{user['id']}")).status_code == 204

    answer = await doors.client.post(
        "/api/v1/auth/invitations/accept", json={"invitation": code}, headers=somebody.headers
    )
    assert answer.status_code == 422


async def test_who_has_not_joined_is_reached_at_another_address_instead(doors: Doors, postbox: Postbox) -> None:
    directory, somebody, email = await DirectoryOf.somebody(doors), await doors.newcomer(), an_address()
    user = await directory.user(somebody.email)
    code = await postbox.code(somebody.email, "invitation")
    await verify(doors, postbox, somebody.email)

    await directory.patch(f"/Users/{user['id']}", {"op": "replace", "path": "userName", "value": email})

    assert email in await directory.members()
    body = {"invitation": code}
    answer = await doors.client.post("/api/v1/auth/invitations/accept", json=body, headers=somebody.headers)
    assert answer.status_code == 422


async def test_a_directory_makes_so_many_accounts_an_hour_and_deleting_them_makes_no_room(
    doors: Doors, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources.get(Settings), "scim_accounts_an_hour", 2)
    directory = await DirectoryOf.somebody(doors)
    for _ in range(2):
        user = await directory.user()
        assert (await directory.ask("DELETE", f"/Users/{user['id']}")).status_code == 204

    answer = await directory.ask("POST", "/Users", {"schemas": [USER], "userName": an_address()})

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "600")
    assert len(await directory.members()) == 1


async def test_who_is_not_reachable_yet_waits_for_an_address(doors: Doors) -> None:
    directory, email = await DirectoryOf.somebody(doors), an_address()
    user = await directory.user("ada.lovelace")
    assert len(await directory.members()) == 1

    await directory.patch(f"/Users/{user['id']}", {"op": "add", "path": "emails", "value": [{"value": email}]})

    assert email in await directory.members()


async def test_members_whom_no_directory_named_are_users_too(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    member = await doors.member(directory.owner, "author")

    found = {user["userName"]: user for user in (await directory.told("GET", "/Users"))["Resources"]}

    assert found.keys() == {directory.owner.email, member.email}
    assert await directory.find(f'userName eq "{member.email.upper()}"') == [found[member.email]]


async def test_who_left_by_another_way_is_no_user_any_more(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    member = await doors.member(directory.owner, "learner")
    [user] = await directory.find(f'userName eq "{member.email}"')

    path = f"/api/v1/auth/organizations/{member.organization_id}/leave"
    assert (await doors.client.post(path, headers=member.headers)).status_code == 204

    assert (await directory.ask("GET", f"/Users/{user['id']}")).status_code == 404


async def test_the_name_of_an_account_follows_the_directory_that_made_it_alone(
    doors: Doors, database: Database
) -> None:
    directory, email = await DirectoryOf.somebody(doors), an_address()
    member = await doors.member(directory.owner, "learner")
    made = await directory.user(email, displayName="Ada")
    [adopted] = await directory.find(f'userName eq "{member.email}"')

    for user in (made, adopted):
        await directory.patch(f"/Users/{user['id']}", {"op": "replace", "path": "displayName", "value": "Ada L."})

    ours, theirs = await person_of(database, email), await person_of(database, member.email)
    assert ours is not None
    assert ours.name == "Ada L."
    assert theirs is not None
    assert theirs.name != "Ada L."


async def test_another_user_name_leaves_the_accounts_address_alone(doors: Doors, database: Database) -> None:
    directory, email, other = await DirectoryOf.somebody(doors), an_address(), an_address()
    user = await directory.user(email)

    changed = await directory.patch(f"/Users/{user['id']}", {"op": "replace", "path": "userName", "value": other})

    assert changed["userName"] == other
    assert email in await directory.members()
    assert await person_of(database, other) is None


async def test_a_user_name_is_one_persons_in_the_organization_whatever_its_case(doors: Doors) -> None:
    directory, email = await DirectoryOf.somebody(doors), an_address()
    await directory.user(email)
    second = await directory.user(an_address())

    twin = await directory.told("POST", "/Users", {"schemas": [USER], "userName": email.upper()}, code=409)
    operation = {"op": "replace", "path": "userName", "value": email}
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]}
    renamed = await directory.told("PATCH", f"/Users/{second['id']}", body, code=409)

    assert (twin["scimType"], renamed["scimType"]) == ("uniqueness", "uniqueness")


async def test_of_users_made_at_once_with_one_name_one_is_made(doors: Doors) -> None:
    directory, email = await DirectoryOf.somebody(doors), an_address()
    body = {"schemas": [USER], "userName": email}

    answers = await asyncio.gather(*(directory.ask("POST", "/Users", body) for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]


async def test_of_users_renamed_at_once_to_one_name_one_gets_it(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    users = [await directory.user() for _ in range(4)]
    operation = {"op": "replace", "path": "userName", "value": an_address()}
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]}

    answers = await asyncio.gather(*(directory.ask("PATCH", f"/Users/{user['id']}", body) for user in users))

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


async def test_a_person_stands_behind_one_user_alone(doors: Doors) -> None:
    directory, email = await DirectoryOf.somebody(doors), an_address()
    await directory.user(email)

    body = {"schemas": [USER], "userName": "ada", "emails": [{"value": email}]}
    twin = await directory.told("POST", "/Users", body, code=409)

    assert twin["scimType"] == "uniqueness"


async def test_who_is_erased_is_no_user_and_their_export_has_what_was_said(doors: Doors, database: Database) -> None:
    directory = await DirectoryOf.somebody(doors)
    member = await doors.member(directory.owner, "learner")
    [user] = await directory.find(f'userName eq "{member.email}"')
    await directory.group("Team", user)

    async with database.transaction() as session:
        exported = await privacy.registry.tables["scim_users"].export(session, UUID(member.person_id))
    erased = await doors.client.delete("/api/v1/auth/me", headers=(await doors.enter(member.email)).headers)

    assert [(row["attributes"]["userName"], row["groups"]) for row in exported] == [(member.email, ["Team"])]
    assert erased.status_code == 204
    assert (await directory.ask("GET", f"/Users/{user['id']}")).status_code == 404


async def test_each_change_is_in_the_organizations_log_without_what_is_personal(doors: Doors) -> None:
    directory, email = await DirectoryOf.somebody(doors), an_address()
    user = await directory.user(email, displayName="Ada")
    await directory.patch(f"/Users/{user['id']}", {"op": "replace", "path": "displayName", "value": "Secret name"})
    await directory.ask("DELETE", f"/Users/{user['id']}")

    answer = await doors.client.get(
        "/api/v1/auth/audit", params={"action": "scim-user"}, headers=directory.owner.headers
    )

    told = answer.json()["items"]
    assert [record["action"] for record in told] == ["scim-user.delete", "scim-user.change", "scim-user.create"]
    assert {record["target"] for record in told} == {user["id"]}
    assert told[1]["after"] == {"attributes": ["displayName"]}
    assert email not in answer.text
    assert "Secret name" not in answer.text
