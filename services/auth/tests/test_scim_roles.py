"""Roles by groups when groups change: renamed, deleted, written by who may do less, or by many at once."""

import asyncio
from typing import Any

from .conftest import Doors, Someone
from .directory import GROUP, PATCH, ROLE, DirectoryOf
from .test_key_exchange import change_roles


async def roles_of(directory: DirectoryOf, user: dict[str, Any]) -> list[str]:
    roles: list[str] = (await directory.members())[user["userName"]]["roles"]
    return sorted(roles)


def renamed(name: str) -> dict[str, Any]:
    return {"op": "replace", "path": "displayName", "value": name}


def put_in(user: dict[str, Any]) -> dict[str, Any]:
    return {"op": "add", "path": "members", "value": [{"value": user["id"]}]}


def take_out(user: dict[str, Any]) -> dict[str, Any]:
    return {"op": "remove", "path": f'members[value eq "{user["id"]}"]'}


async def make_role(doors: Doors, owner: Someone, name: str, *permissions: str) -> str:
    """Where the role is."""
    path = f"/api/v1/auth/organizations/{owner.organization_id}/roles"
    body = {"name": name, "description": "Of our own.", "permissions": list(permissions)}
    answer = await doors.client.post(path, json=body, headers=owner.headers)
    assert answer.status_code == 201, answer.text
    return f"{path}/{name}"


async def test_a_role_goes_with_the_name_that_gave_it_and_comes_with_another(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user = await directory.user()
    group = await directory.group("stoa:author", user)
    path = f"/Groups/{group['id']}"

    await directory.patch(path, renamed("Teachers"))
    assert await roles_of(directory, user) == ["learner"]

    await directory.patch(path, renamed("stoa:coach"))
    assert await roles_of(directory, user) == ["coach", "learner"]

    put = {"schemas": [GROUP], "displayName": "stoa:manager", "members": group["members"]}
    await directory.told("PUT", path, put)
    assert await roles_of(directory, user) == ["learner", "manager"]


async def test_a_put_without_members_empties_the_group_and_takes_its_role(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user = await directory.user()
    group = await directory.group("stoa:author", user)

    put = await directory.told("PUT", f"/Groups/{group['id']}", {"schemas": [GROUP], "displayName": "stoa:author"})

    assert "members" not in put
    assert await roles_of(directory, user) == ["learner"]


async def test_a_deleted_group_is_gone_and_one_of_its_name_is_another(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user = await directory.user()
    group = await directory.group("stoa:author", user)

    assert (await directory.ask("DELETE", f"/Groups/{group['id']}")).status_code == 204
    await directory.told("GET", f"/Groups/{group['id']}", code=404)
    await directory.told("DELETE", f"/Groups/{group['id']}", code=404)
    assert await roles_of(directory, user) == ["learner"]

    again = await directory.group("stoa:author")
    assert again["id"] != group["id"]
    assert await roles_of(directory, user) == ["learner"]


async def test_an_owner_stays_one_whatever_their_groups_give(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    [owner] = await directory.find(f'userName eq "{directory.owner.email}"')

    group = await directory.group("stoa:author", owner)
    given = await roles_of(directory, owner)
    await directory.ask("DELETE", f"/Groups/{group['id']}")

    assert given == ["author", "owner"]
    assert await roles_of(directory, owner) == ["owner"]


async def test_who_could_not_give_a_role_takes_it_from_nobody(doors: Doors) -> None:
    owner = await doors.newcomer()
    await make_role(doors, owner, "provisioner", "scim:write", "api-key:write:own")
    machine = await doors.member(owner, "provisioner")
    ours = await DirectoryOf.by(doors, owner, scopes=["scim:write"])
    theirs = await DirectoryOf.by(doors, machine, scopes=["scim:write"])
    user = await ours.user()
    group = await ours.group("stoa:admin", user)
    path = f"/Groups/{group['id']}"

    await theirs.told("DELETE", path, code=403)
    await theirs.told("PUT", path, {"schemas": [GROUP], "displayName": "Nobody"}, code=403)
    for operation in (renamed("Nobody"), take_out(user), {"op": "remove", "path": "members"}):
        await theirs.told("PATCH", path, {"schemas": [PATCH], "Operations": [operation]}, code=403)

    assert await ours.told("GET", path) == group
    assert await roles_of(ours, user) == ["admin", "learner"]


async def test_a_group_gets_no_name_of_a_role_that_the_caller_could_not_give(doors: Doors) -> None:
    owner = await doors.newcomer()
    await make_role(doors, owner, "provisioner", "scim:write", "api-key:write:own", "enrollment:read")
    machine = await doors.member(owner, "provisioner")
    directory = await DirectoryOf.by(doors, machine, scopes=["scim:write"])
    group = await directory.group("Teachers")

    body = {"schemas": [PATCH], "Operations": [renamed("stoa:admin")]}
    await directory.told("PATCH", f"/Groups/{group['id']}", body, code=403)

    assert (await directory.told("GET", f"/Groups/{group['id']}"))["displayName"] == "Teachers"


async def test_a_group_whose_role_was_deleted_goes_on_without(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    role = await make_role(doors, directory.owner, "tutor", "enrollment:read")
    user = await directory.user()
    group = await directory.group("Tutors", **{ROLE: {"role": "tutor"}})
    assert (await doors.client.delete(role, headers=directory.owner.headers)).status_code == 204

    changed = await directory.patch(f"/Groups/{group['id']}", put_in(user))

    assert [member["value"] for member in changed["members"]] == [user["id"]]
    assert await roles_of(directory, user) == ["learner"]
    other = {"op": "replace", "path": f"{ROLE}:role", "value": "nobody"}
    await directory.told("PATCH", f"/Groups/{group['id']}", {"schemas": [PATCH], "Operations": [other]}, code=400)


async def test_who_lacks_the_role_of_their_group_has_it_when_the_group_is_written(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    member = await doors.member(directory.owner, "learner")
    [user] = await directory.find(f'userName eq "{member.email}"')
    group = await directory.group("stoa:author", user)
    await change_roles(doors, directory.owner, member, "learner")
    assert await roles_of(directory, user) == ["learner"]

    same = await directory.patch(f"/Groups/{group['id']}", put_in(user))

    assert same == group
    assert await roles_of(directory, user) == ["author", "learner"]


async def test_a_group_is_emptied_while_its_members_are_deleted(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    users = [await directory.user() for _ in range(5)]
    group = await directory.group("stoa:author", *users)
    path = f"/Groups/{group['id']}"

    def emptied(*operations: dict[str, Any]) -> dict[str, Any]:
        return {"schemas": [PATCH], "Operations": list(operations)}

    asked = [directory.ask("DELETE", f"/Users/{user['id']}") for user in users]
    asked += [directory.ask("PATCH", path, emptied(take_out(user))) for user in reversed(users)]
    answers = await asyncio.gather(*asked)

    assert {answer.status_code for answer in answers} <= {200, 204}
    assert "members" not in await directory.told("GET", path)


async def test_a_group_is_filled_while_its_members_are_deleted(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    users = [await directory.user() for _ in range(5)]
    group = await directory.group("Teachers")
    path = f"/Groups/{group['id']}"

    asked = [
        directory.ask("PATCH", path, {"schemas": [PATCH], "Operations": [put_in(user)]}) for user in reversed(users)
    ]
    asked += [directory.ask("DELETE", f"/Users/{user['id']}") for user in users]
    answers = await asyncio.gather(*asked)

    # Who is gone already is no user whom one could put in.
    assert {answer.status_code for answer in answers} <= {200, 204, 400}
    assert "members" not in await directory.told("GET", path)
