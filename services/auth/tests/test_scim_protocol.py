"""The protocol itself: what replaces what, versions, pages, what is shown, and what the endpoint says it has not."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from stoa_auth.database import ScimGroup
from stoa_common.database import Database
from stoa_common.ids import new_id

from .conftest import Doors, an_address
from .directory import ENTERPRISE, GROUP, PATCH, USER, DirectoryOf

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


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


async def test_put_takes_away_what_it_leaves_out(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    more: dict[str, Any] = {"name": {"givenName": "Ada"}, "emails": [{"value": "a@b.org"}], "externalId": "7"}
    more |= {ENTERPRISE: {"department": "Maths"}}
    user = await directory.user(title="Dr", **more)

    put = await directory.told("PUT", f"/Users/{user['id']}", {"schemas": [USER], "userName": user["userName"]})

    assert set(put) == {"schemas", "id", "userName", "active", "meta"}
    assert put["schemas"] == [USER]
    assert await directory.find('externalId eq "7"') == []
    assert await directory.find(f"{ENTERPRISE}:department pr") == []


async def test_names_of_attributes_and_texts_for_booleans_are_read_in_any_case(doors: Doors) -> None:
    directory, email = await DirectoryOf.somebody(doors), an_address()

    user = await directory.told(
        "POST", "/Users", {"schemas": [USER], "USERNAME": email, "Active": "False", "displayname": "Ada"}, code=201
    )

    assert (user["userName"], user["active"], user["displayName"]) == (email, False, "Ada")


async def test_filters_by_name_know_no_case_and_by_external_id_they_do(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user = await directory.user(externalId="Okta-1")
    name = user["userName"]

    for wanted in (f'userName eq "{name.upper()}"', f'USERNAME EQ "{name}"', f'{USER}:userName Eq "{name}"'):
        assert await directory.find(wanted) == [user]
    assert await directory.find('externalId eq "Okta-1"') == [user]
    assert await directory.find('externalId eq "okta-1"') == []


async def test_two_organizations_have_users_of_the_same_names_and_ids_of_their_own(doors: Doors) -> None:
    directory, other = await DirectoryOf.somebody(doors), await DirectoryOf.somebody(doors)
    ours = await directory.user("ada", externalId="1")

    theirs = await other.user("ada", externalId="1")

    assert ours["id"] != theirs["id"]
    assert await directory.find('externalId eq "1"') == [ours]
    assert await other.find('userName eq "ada"') == [theirs]


@pytest.mark.parametrize(
    "query",
    [
        "excludedAttributes=members",
        "excludedAttributes=Members",
        f"excludedAttributes={GROUP}:members",
        "attributes=displayName,externalId,meta",
    ],
)
async def test_lists_and_changes_leave_members_out_as_asked(doors: Doors, query: str) -> None:
    directory = await DirectoryOf.somebody(doors)
    group = await directory.group("Teachers", await directory.user(), externalId="7")
    renamed = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "displayName", "value": "Faculty"}]}

    [listed] = (await directory.told("GET", f"/Groups?{query}"))["Resources"]
    changed = await directory.told("PATCH", f"/Groups/{group['id']}?{query}", renamed)

    assert listed == {name: value for name, value in group.items() if name != "members"}
    assert changed["displayName"] == "Faculty"
    assert "members" not in changed
    assert len((await directory.told("GET", f"/Groups/{group['id']}"))["members"]) == 1


async def test_groups_come_in_pages_too(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    ids = [(await directory.group(f"Group {number}"))["id"] for number in range(3)]

    pages = [await directory.told("GET", f"/Groups?startIndex={at}&count=2") for at in (0, 1, 3, 4)]

    assert [[group["id"] for group in page["Resources"]] for page in pages] == [ids[:2], ids[:2], ids[2:], []]
    assert [page["startIndex"] for page in pages] == [1, 1, 3, 4]
    assert {page["totalResults"] for page in pages} == {3}
    none = await directory.told("GET", "/Groups?count=-1")
    assert (none["totalResults"], none["itemsPerPage"], none["Resources"]) == (3, 0, [])


async def test_versions_guard_put_and_any_of_a_list_is_enough(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    user = await directory.user(displayName="Ada")
    path, first = f"/Users/{user['id']}", user["meta"]["version"]
    body = {"schemas": [USER], "userName": user["userName"], "displayName": "Bob"}

    second = (await directory.told("PUT", path, body, If_Match=f'W/"0", {first}'))["meta"]["version"]

    assert second != first
    await directory.told("PUT", path, {**body, "displayName": "Cyd"}, code=412, If_Match=first)
    assert (await directory.told("PUT", path, {**body, "displayName": "Dee"}, If_Match="*"))["displayName"] == "Dee"
    assert (await directory.ask("DELETE", path, If_Match="*")).status_code == 204


async def test_cursors_and_bulk_are_not_there_and_the_configuration_says_so(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)
    config = await directory.told("GET", "/ServiceProviderConfig")

    assert config["bulk"] == {"supported": False, "maxOperations": 0, "maxPayloadSize": 0}
    assert (config["pagination"]["cursor"], config["pagination"]["index"]) == (False, True)
    assert config["filter"] == {"supported": True, "maxResults": config["pagination"]["maxPageSize"]}
    for query in ("cursor", "cursor=", "cursor=VZUTiyhEQJ94IR&count=10"):
        for kind in ("Users", "Groups"):
            assert (await directory.told("GET", f"/{kind}?{query}", code=400))["scimType"] == "invalidCursor"
    assert (await directory.told("POST", "/Users/.search", {"cursor": ""}, code=400))["scimType"] == "invalidCursor"
    bulk = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": []}
    await directory.told("POST", "/Bulk", bulk, code=404)


async def test_a_page_is_as_long_as_the_configuration_says(doors: Doors, database: Database) -> None:
    directory = await DirectoryOf.somebody(doors)
    config = (await directory.told("GET", "/ServiceProviderConfig"))["pagination"]
    known = {"attributes": {"displayName": "Team"}, "search": {"display_name": "team"}, "revision": 1}
    times = {"created_at": NOON, "changed_at": NOON}
    organization_id = UUID(directory.owner.organization_id)
    async with database.transaction() as session:
        session.add_all(ScimGroup(id=new_id(), organization_id=organization_id, **known, **times) for _ in range(201))

    usual, most = await directory.told("GET", "/Groups"), await directory.told("GET", "/Groups?count=500")

    assert (usual["itemsPerPage"], len(usual["Resources"])) == (config["defaultPageSize"],) * 2
    assert (most["itemsPerPage"], len(most["Resources"])) == (config["maxPageSize"],) * 2
    assert most["totalResults"] == 201
