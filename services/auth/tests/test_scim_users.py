"""Users of a directory: who becomes a member, who is asked first, and who is one no more."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from stoa_auth.database import Membership, Person, Revocation, ScimUser
from stoa_auth.settings import Settings
from stoa_common import privacy, revocations
from stoa_common.database import Database
from stoa_common.resources import Resources
from stoa_common.testing.delivery import Delivery
from stoa_events.contracts import MemberJoined, UserRegistered

from .conftest import Doors, an_address
from .directory import ENTERPRISE, USER, DirectoryOf
from .postbox import Postbox


async def person_of(database: Database, email: str) -> Person | None:
    async with database.transaction() as session:
        return await session.scalar(select(Person).where(Person.email == email))


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


async def verify(doors: Doors, postbox: Postbox, email: str) -> None:
    code = await postbox.code(email, "verify-email")
    assert (await doors.client.post("/api/v1/auth/verify-email", json={"token": code})).status_code == 204


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


async def test_a_suspended_users_tokens_are_refused_from_then_on(doors: Doors, database: Database) -> None:
    directory = await DirectoryOf.somebody(doors)
    member = await doors.member(directory.owner, "learner")
    [user] = await directory.find(f'userName eq "{member.email}"')

    await directory.patch(f"/Users/{user['id']}", {"op": "replace", "path": "active", "value": False})

    subject = revocations.of_member(UUID(member.person_id), UUID(directory.owner.organization_id))
    async with database.transaction() as session:
        revoked = await session.scalars(select(Revocation).where(Revocation.subject == subject))
    assert len(revoked.all()) == 1


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


async def test_put_replaces_all_but_what_is_for_stoa_to_say(doors: Doors) -> None:
    directory, email = await DirectoryOf.somebody(doors), an_address()
    user = await directory.user(email, title="Dr", displayName="Ada")
    await directory.patch(f"/Users/{user['id']}", {"op": "replace", "path": "active", "value": False})

    body = {"schemas": [USER], "id": "other", "userName": email, "displayName": "Ada L.", "groups": [{"value": "x"}]}
    put = await directory.told("PUT", f"/Users/{user['id']}", body)

    assert (put["id"], put["displayName"], put["active"]) == (user["id"], "Ada L.", False)
    assert not {"title", "groups"} & put.keys()


async def test_versions_guard_changes_and_spare_answers(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user = await directory.user(displayName="Ada")
    path, first = f"/Users/{user['id']}", user["meta"]["version"]

    changed = await directory.patch(path, {"op": "replace", "path": "displayName", "value": "Bob"}, If_Match=first)

    late = {"op": "replace", "path": "displayName", "value": "Cyd"}
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [late]}
    assert (await directory.told("PATCH", path, body, code=412, If_Match=first))["status"] == "412"
    assert (await directory.told("DELETE", path, code=412, If_Match=first))["status"] == "412"
    same = await directory.ask("GET", path, If_None_Match=changed["meta"]["version"])
    assert (same.status_code, same.content) == (304, b"")
    assert (await directory.told("GET", path, If_None_Match=first))["displayName"] == "Bob"


async def test_a_patch_that_changes_nothing_leaves_the_version(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user = await directory.user(displayName="Ada")

    same = await directory.patch(f"/Users/{user['id']}", {"op": "replace", "path": "displayName", "value": "Ada"})

    assert same == user


async def test_pages_follow_each_other(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    names = sorted([directory.owner.email, *[(await directory.user())["userName"] for _ in range(4)]])

    pages = [await directory.told("GET", f"/Users?sortBy=userName&count=2&startIndex={at}") for at in (1, 3, 5, 7)]

    assert [user["userName"] for page in pages for user in page["Resources"]] == names
    assert [page["itemsPerPage"] for page in pages] == [2, 2, 1, 0]
    assert {page["totalResults"] for page in pages} == {5}
    assert (await directory.told("GET", "/Users?count=0"))["totalResults"] == 5
    assert (await directory.told("GET", "/Users?startIndex=-3&count=99999999999999"))["startIndex"] == 1


async def test_a_search_asks_as_the_list_does_without_an_address_in_the_path(doors: Doors) -> None:
    directory, email = await DirectoryOf.somebody(doors), an_address()
    user = await directory.user(email, displayName="Ada")
    body = {"filter": f'userName eq "{email}"', "attributes": ["displayName"], "count": 5}

    found = await directory.told("POST", "/Users/.search", body)

    assert [each.keys() - {"schemas", "meta"} for each in found["Resources"]] == [{"id", "displayName"}]
    assert found["Resources"][0]["id"] == user["id"]


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
