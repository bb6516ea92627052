"""Requests as Entra ID and Okta send them, with what they do otherwise than the standard."""

from typing import Any

import pytest

from .conftest import Doors, an_address
from .directory import ENTERPRISE, GROUP, PATCH, USER, DirectoryOf


def entra_user(email: str, **more: Any) -> dict[str, Any]:
    return {
        "schemas": [USER, ENTERPRISE],
        "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
        "userName": email,
        "active": True,
        "displayName": "Ada Lovelace",
        "emails": [{"primary": True, "type": "work", "value": email}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "Ada Lovelace", "familyName": "Lovelace", "givenName": "Ada"},
        "phoneNumbers": [{"type": "work", "value": "555 1234"}],
        "roles": [],
        ENTERPRISE: {"employeeNumber": "701984", "department": "Maths", "manager": "26118915-6090-4610-87e4"},
        **more,
    }


async def test_entra_tests_its_connection_by_a_user_whom_nobody_has(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)

    told = await directory.told("GET", '/Users?filter=userName eq "9f4a2b1e-0000-4d2c-8c4a-6ef2b3b4a5c6"')

    assert (told["totalResults"], told["Resources"]) == (0, [])


async def test_entra_makes_finds_changes_and_disables_a_user(doors: Doors) -> None:
    directory, email = await DirectoryOf.somebody(doors), an_address()
    user = await directory.told("POST", "/Users", entra_user(email), code=201)
    assert user[ENTERPRISE] == {"employeeNumber": "701984", "department": "Maths"}
    assert await directory.find('externalId eq "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef"') == [user]

    operations = [
        {"op": "Replace", "path": "displayName", "value": "Ada King"},
        {"op": "Add", "path": "name.familyName", "value": "King"},
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "king@example.org"},
        {"op": "Add", "path": 'phoneNumbers[type eq "work"].value', "value": "555 9999"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Engines"},
        {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": "26118915"},
        {"op": "Replace", "path": "active", "value": "False"},
    ]
    changed = await directory.patch(f"/Users/{user['id']}", *operations)

    assert (changed["displayName"], changed["name"]["familyName"], changed["active"]) == ("Ada King", "King", False)
    assert changed["emails"] == [{"value": "king@example.org", "type": "work", "primary": True}]
    assert changed[ENTERPRISE]["department"] == "Engines"
    assert "phoneNumbers" not in changed


async def test_entra_writes_to_an_address_that_is_not_there_yet(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user = await directory.user()

    operation = {"op": "Add", "path": 'emails[type eq "work"].value', "value": "ada@example.org"}
    changed = await directory.patch(f"/Users/{user['id']}", operation)

    assert changed["emails"] == [{"value": "ada@example.org", "type": "work"}]


async def test_entra_replaces_without_a_path_by_names_that_are_paths(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user = await directory.user()

    value = {"displayName": "Ada", "name.givenName": "Ada", f"{ENTERPRISE}:department": "Maths", "active": "True"}
    changed = await directory.patch(f"/Users/{user['id']}", {"op": "replace", "value": value})

    assert (changed["displayName"], changed["name"]["givenName"]) == ("Ada", "Ada")
    assert changed[ENTERPRISE] == {"department": "Maths"}


async def test_entra_adds_and_removes_members_by_value(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    first, second = await directory.user(), await directory.user()
    body: dict[str, Any] = {
        "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"]
    }
    body |= {"externalId": "8aa1a0c0", "displayName": "Teachers", "meta": {"resourceType": "Group"}}
    group = await directory.told("POST", "/Groups", body, code=201)
    path = f"/Groups/{group['id']}"
    shown = await directory.told("GET", '/Groups?excludedAttributes=members&filter=externalId eq "8aa1a0c0"')
    assert [each["id"] for each in shown["Resources"]] == [group["id"]]

    members = [{"$ref": None, "value": user["id"]} for user in (first, second)]
    await directory.patch(path, {"op": "Add", "path": "members", "value": members})
    removed = {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": first["id"]}]}
    changed = await directory.patch(path, removed)

    assert [member["value"] for member in changed["members"]] == [second["id"]]


async def test_okta_makes_a_user_with_a_password_that_is_not_taken(doors: Doors) -> None:
    directory, email = await DirectoryOf.somebody(doors), an_address()
    assert (await directory.told("GET", f'/Users?filter=userName eq "{email}"&startIndex=1&count=100'))[
        "Resources"
    ] == []
    body = {
        "schemas": [USER],
        "userName": email,
        "name": {"givenName": "Ada", "familyName": "Lovelace"},
        "emails": [{"primary": True, "value": email, "type": "work"}],
        "displayName": "Ada Lovelace",
        "locale": "en-US",
        "externalId": "00ujl29u0le5T6Aj10h7",
        "groups": [],
        "password": "1mz050nq",
        "active": True,
    }

    user = await directory.told("POST", "/Users", body, code=201)

    assert "password" not in user
    assert (await doors.log_in(email, password="1mz050nq")).status_code == 401


async def test_okta_reads_changes_and_puts_the_whole_user_back(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user = await directory.user(displayName="Ada")

    put = await directory.told("PUT", f"/Users/{user['id']}", {**user, "displayName": "Ada King", "active": False})
    back = await directory.patch(f"/Users/{user['id']}", {"op": "replace", "value": {"active": True}})

    assert (put["displayName"], put["active"]) == ("Ada King", False)
    assert back["active"] is True


async def test_okta_pushes_a_group_renames_it_and_replaces_its_members(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    first, second = await directory.user(), await directory.user()
    pushed = {"schemas": [GROUP], "displayName": "Teachers", "members": [{"value": first["id"], "display": "Ada"}]}
    group = await directory.told("POST", "/Groups", pushed, code=201)
    path = f"/Groups/{group['id']}"

    named = {"op": "replace", "value": {"id": group["id"], "displayName": "Faculty"}}
    members = {"op": "replace", "path": "members", "value": [{"value": second["id"], "display": "Bob"}]}
    changed = await directory.patch(path, named, members)

    assert changed["displayName"] == "Faculty"
    assert [member["value"] for member in changed["members"]] == [second["id"]]


async def test_operations_are_done_all_or_none(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user = await directory.user(displayName="Ada")
    operations = [
        {"op": "replace", "path": "displayName", "value": "Bob"},
        {"op": "replace", "path": "userName", "value": ""},
    ]

    body = {"schemas": [PATCH], "Operations": operations}
    refused = await directory.told("PATCH", f"/Users/{user['id']}", body, code=400)

    assert refused["scimType"]
    assert await directory.told("GET", f"/Users/{user['id']}") == user


async def test_entra_replaces_without_a_path_by_names_that_select_an_address(doors: Doors) -> None:
    directory, email = await DirectoryOf.somebody(doors), an_address()
    user = await directory.user(email, emails=[{"value": "old@example.org", "type": "work"}])

    value = {
        'emails[type eq "work"].value': "new@example.org",
        'emails[type eq "home"].value': "home@example.org",
        'phoneNumbers[type eq "work"].value': "555",
        "displayName": "Ada",
    }
    changed = await directory.patch(f"/Users/{user['id']}", {"op": "replace", "value": value})

    assert changed["displayName"] == "Ada"
    assert changed["emails"] == [
        {"value": "new@example.org", "type": "work"},
        {"value": "home@example.org", "type": "home"},
    ]


async def test_entra_selects_by_a_boolean_as_text_and_by_what_stoa_has_not(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user = await directory.user(emails=[{"value": "old@example.org", "primary": True}, {"value": "b@example.org"}])

    changed = await directory.patch(
        f"/Users/{user['id']}",
        {"op": "Replace", "path": 'emails[primary eq "True"].value', "value": "new@example.org"},
        {"op": "Add", "path": 'roles[primary eq "True"].value', "value": "Instructor"},
        {"op": "Remove", "path": 'addresses[type eq "work"].formatted', "value": "Here"},
    )

    assert [email["value"] for email in changed["emails"]] == ["new@example.org", "b@example.org"]
    assert "roles" not in changed


async def test_entra_removes_an_address_beside_whose_path_it_says_a_text(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user = await directory.user(emails=[{"value": "a@example.org", "type": "work"}, {"value": "b@example.org"}])

    removed = {"op": "Remove", "path": 'emails[type eq "work"].value', "value": "other@example.org"}
    changed = await directory.patch(f"/Users/{user['id']}", removed)

    assert [email.get("value") for email in changed["emails"]] == [None, "b@example.org"]


async def test_entra_finds_a_user_by_an_address_of_a_kind(doors: Doors) -> None:
    directory, address = await DirectoryOf.somebody(doors), an_address()
    user = await directory.user(emails=[{"value": address, "type": "work"}])

    assert await directory.find(f'emails[type eq "work"].value eq "{address.upper()}"') == [user]
    assert await directory.find(f'emails[type eq "home"].value eq "{address}"') == []


async def test_entra_asks_whether_a_user_is_in_a_group(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user, other = await directory.user(), await directory.user()
    group = await directory.group("Teachers", user)

    asked = [f'id eq "{group["id"]}" and members eq "{each["id"]}"' for each in (user, other)]

    assert [len(await directory.find(wanted, kind="Groups")) for wanted in asked] == [1, 0]


REMOVALS: list[Any] = [
    {"$ref": None, "value": "ID"},
    [{"$ref": None, "value": "ID"}],
    [{"value": "ID", "display": "Ada", "type": "direct"}],
    [{"value": "ID", "$ref": "https://directory.example.org/Users/1"}],
]


@pytest.mark.parametrize("said", REMOVALS)
async def test_a_member_is_removed_by_its_id_whatever_else_is_said_of_it(doors: Doors, said: Any) -> None:
    directory = await DirectoryOf.somebody(doors)
    first, second = await directory.user(), await directory.user()
    group = await directory.group("stoa:author", first, second)
    entries = [{**each, "value": first["id"]} for each in (said if isinstance(said, list) else [said])]

    value = entries if isinstance(said, list) else entries[0]
    changed = await directory.patch(f"/Groups/{group['id']}", {"op": "Remove", "path": "members", "value": value})

    assert [member["value"] for member in changed["members"]] == [second["id"]]
    assert (await directory.members())[first["userName"]]["roles"] == ["learner"]


async def test_what_selects_no_member_removes_none(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user, other = await directory.user(), await directory.user()
    group = await directory.group("Teachers", user)
    path = f"/Groups/{group['id']}"

    by_path = await directory.patch(path, {"op": "remove", "path": f'members[value eq "{other["id"]}"]'})
    by_value = await directory.patch(path, {"op": "Remove", "path": "members", "value": [{"value": other["id"]}]})
    for value in ([user["id"]], user["id"]):
        operation = {"op": "remove", "path": "members", "value": value}
        await directory.told("PATCH", path, {"schemas": [PATCH], "Operations": [operation]}, code=400)

    assert by_path == by_value == group == await directory.told("GET", path)


async def test_who_is_in_a_group_already_is_added_without_a_change(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user = await directory.user()
    group = await directory.group("stoa:author", user)

    for operation in (
        {"op": "Add", "path": "members", "value": [{"value": user["id"]}, {"value": user["id"], "display": "Ada"}]},
        {"op": "add", "value": {"members": [{"value": user["id"], "type": "User"}]}},
    ):
        assert await directory.patch(f"/Groups/{group['id']}", operation) == group


async def test_okta_puts_a_group_with_members_as_it_shows_them(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    first, second = await directory.user(), await directory.user()
    group = await directory.group("stoa:author", first)
    members = [{"value": each["id"], "display": each["userName"], "type": "user"} for each in (first, second)]

    put = await directory.told(
        "PUT", f"/Groups/{group['id']}", {**group, "displayName": "stoa:author", "members": members}
    )

    assert [member["value"] for member in put["members"]] == sorted([first["id"], second["id"]])
    assert {member["type"] for member in put["members"]} == {"User"}
