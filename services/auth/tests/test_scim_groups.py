"""Groups of a directory, and the roles that members have by them."""

from typing import Any

import pytest

from .conftest import Doors, an_address
from .directory import GROUP, PATCH, ROLE, DirectoryOf


async def roles_of(directory: DirectoryOf, user: dict[str, Any]) -> set[str]:
    return set((await directory.members())[user["userName"]]["roles"])


def put_in(*users: dict[str, Any]) -> dict[str, Any]:
    return {"op": "add", "path": "members", "value": [{"value": user["id"]} for user in users]}


def take_out(user: dict[str, Any]) -> dict[str, Any]:
    return {"op": "remove", "path": f'members[value eq "{user["id"]}"]'}


async def test_a_group_has_members_and_members_have_groups(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user = await directory.user()

    group = await directory.group("Teachers", user, externalId="7")

    where = user["meta"]["location"]
    assert group["members"] == [{"value": user["id"], "$ref": where, "type": "User"}]
    assert (await directory.told("GET", f"/Users/{user['id']}"))["groups"] == [
        {"value": group["id"], "$ref": group["meta"]["location"], "display": "Teachers", "type": "direct"}
    ]
    assert await directory.find('displayName eq "teachers"', kind="Groups") == [group]
    assert await directory.find(f'members eq "{user["id"]}"', kind="Groups") == [group]
    assert [each["id"] for each in await directory.find(f'groups.value eq "{group["id"]}"')] == [user["id"]]


async def test_without_its_members_a_group_is_shown_as_asked(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    group = await directory.group("Teachers", await directory.user())

    short = await directory.told("GET", f"/Groups/{group['id']}?excludedAttributes=members")
    named = await directory.told("GET", f"/Groups/{group['id']}?attributes=displayName")

    assert short == {name: value for name, value in group.items() if name != "members"}
    assert named == {name: group[name] for name in ("schemas", "id", "displayName")}


async def test_a_groups_name_gives_its_role_as_long_as_one_is_in_it(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user = await directory.user()

    group = await directory.group("stoa:author", user)
    assert await roles_of(directory, user) == {"learner", "author"}

    await directory.patch(f"/Groups/{group['id']}", take_out(user))
    assert await roles_of(directory, user) == {"learner"}

    await directory.patch(f"/Groups/{group['id']}", put_in(user))
    assert await roles_of(directory, user) == {"learner", "author"}

    assert (await directory.ask("DELETE", f"/Groups/{group['id']}")).status_code == 204
    assert await roles_of(directory, user) == {"learner"}


async def test_the_extension_gives_a_role_of_the_organizations_own(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    path = f"/api/v1/auth/organizations/{directory.owner.organization_id}/roles"
    role = {"name": "tutor", "description": "Answers.", "permissions": ["enrollment:read"]}
    assert (await doors.client.post(path, json=role, headers=directory.owner.headers)).status_code == 201
    user = await directory.user()

    group = await directory.group("Teachers", user, **{ROLE: {"role": "tutor"}})
    assert await roles_of(directory, user) == {"learner", "tutor"}

    await directory.patch(f"/Groups/{group['id']}", {"op": "replace", "path": f"{ROLE}:role", "value": "coach"})
    assert await roles_of(directory, user) == {"learner", "coach"}


async def test_roles_given_by_hand_stay_when_a_group_goes(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user = await directory.user()
    member = (await directory.members())[user["userName"]]
    path = f"/api/v1/auth/organizations/{directory.owner.organization_id}/members/{member['person_id']}"
    body = {"roles": ["learner", "coach"]}
    assert (await doors.client.patch(path, json=body, headers=directory.owner.headers)).status_code == 200

    group = await directory.group("stoa:coach", user)
    await directory.ask("DELETE", f"/Groups/{group['id']}")

    assert await roles_of(directory, user) == {"learner", "coach"}


async def test_who_leaves_one_of_two_groups_keeps_the_role(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user = await directory.user()
    first, _ = await directory.group("stoa:coach", user), await directory.group("stoa:coach", user)

    await directory.patch(f"/Groups/{first['id']}", take_out(user))

    assert await roles_of(directory, user) == {"learner", "coach"}


async def test_who_joins_later_has_the_roles_of_their_groups(doors: Doors) -> None:
    directory, email = await DirectoryOf.somebody(doors), an_address()
    user = await directory.user("ada")
    await directory.group("stoa:author", user)

    await directory.patch(f"/Users/{user['id']}", {"op": "add", "path": "emails", "value": [{"value": email}]})

    assert set((await directory.members())[email]["roles"]) == {"learner", "author"}


@pytest.mark.parametrize("role", ["owner", "operator", "nobody"])
async def test_a_role_that_groups_can_not_give_is_refused(doors: Doors, role: str) -> None:
    directory = await DirectoryOf.somebody(doors)
    body = {"schemas": [GROUP, ROLE], "displayName": "Teachers", ROLE: {"role": role}}

    refused = await directory.told("POST", "/Groups", body, code=400)

    assert refused["scimType"] == "invalidValue"


async def test_a_key_gives_no_role_that_its_person_could_not_give(doors: Doors) -> None:
    owner = await doors.newcomer()
    path = f"/api/v1/auth/organizations/{owner.organization_id}/roles"
    role = {"name": "provisioner", "description": "A machine's.", "permissions": ["scim:write", "api-key:write:own"]}
    assert (await doors.client.post(path, json=role, headers=owner.headers)).status_code == 201
    machine = await doors.member(owner, "provisioner")
    directory = await DirectoryOf.by(doors, machine, scopes=["scim:write"])

    refused = await directory.told("POST", "/Groups", {"schemas": [GROUP], "displayName": "stoa:admin"}, code=403)

    assert refused["status"] == "403"


async def test_strangers_are_put_into_no_group(doors: Doors) -> None:
    directory, other = await DirectoryOf.somebody(doors), await DirectoryOf.somebody(doors)
    stranger = await other.user()
    group = await directory.group("Teachers")

    for value in (stranger["id"], group["id"], "nobody"):
        body = {"schemas": [PATCH], "Operations": [put_in({"id": value})]}
        refused = await directory.told("PATCH", f"/Groups/{group['id']}", body, code=400)
        assert refused["scimType"] == "invalidValue"


async def test_put_renames_a_group_and_keeps_the_role_that_an_admin_set(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user = await directory.user()
    group = await directory.group("Teachers", user, **{ROLE: {"role": "author"}})

    body = {"schemas": [GROUP], "displayName": "Faculty", "members": group["members"]}
    put = await directory.told("PUT", f"/Groups/{group['id']}", body)

    assert (put["displayName"], put[ROLE]) == ("Faculty", {"role": "author"})
    assert await roles_of(directory, user) == {"learner", "author"}


async def test_who_is_deleted_is_in_no_group(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user = await directory.user()
    group = await directory.group("stoa:author", user)

    assert (await directory.ask("DELETE", f"/Users/{user['id']}")).status_code == 204

    assert "members" not in await directory.told("GET", f"/Groups/{group['id']}")


async def test_versions_guard_groups_too(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user, group = await directory.user(), await directory.group("Teachers")
    path, first = f"/Groups/{group['id']}", group["meta"]["version"]

    changed = await directory.patch(path, put_in(user), If_Match=first)

    body = {"schemas": [PATCH], "Operations": [take_out(user)]}
    assert (await directory.told("PATCH", path, body, code=412, If_Match=first))["status"] == "412"
    assert (await directory.ask("GET", path, If_None_Match=changed["meta"]["version"])).status_code == 304


async def test_changes_of_groups_are_in_the_organizations_log(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user = await directory.user()
    group = await directory.group("stoa:author")
    await directory.patch(f"/Groups/{group['id']}", put_in(user))
    await directory.ask("DELETE", f"/Groups/{group['id']}")

    answer = await doors.client.get(
        "/api/v1/auth/audit", params={"action": "scim-group"}, headers=directory.owner.headers
    )

    told = answer.json()["items"]
    assert [record["action"] for record in told] == ["scim-group.delete", "scim-group.change", "scim-group.create"]
    assert told[1]["after"] == {"attributes": [], "role": "author", "came": [user["id"]], "left": []}


async def test_a_new_name_of_a_group_is_in_the_log_by_what_was_changed(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    group = await directory.group("stoa:author")

    await directory.patch(f"/Groups/{group['id']}", {"op": "replace", "path": "displayName", "value": "Faculty"})

    answer = await doors.client.get(
        "/api/v1/auth/audit", params={"action": "scim-group.change"}, headers=directory.owner.headers
    )
    [told] = answer.json()["items"]
    assert (told["before"], told["after"]["role"]) == ({"role": "author"}, None)
    assert told["after"]["attributes"] == ["displayName"]
    assert "Faculty" not in answer.text
