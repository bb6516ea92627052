"""What is shown with a user or a group changes its version, too, whoever changed it (RFC 7644, section 3.14)."""

import httpx2
import pytest

from .conftest import Doors
from .directory import PATCH, DirectoryOf

RENAME = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "displayName", "value": "Bob"}]}


@pytest.fixture
async def directory(doors: Doors) -> DirectoryOf:
    return await DirectoryOf.somebody(doors)


async def _tag(directory: DirectoryOf, path: str) -> str:
    """The version of the resource; a filter finds it by that, and lists show the same one."""
    answer = await directory.ask("GET", path)
    version: str = answer.json()["meta"]["version"]
    kind, record_id = path.strip("/").split("/")
    found = await directory.find(f"meta.version eq {_quoted(version)}", kind=kind)
    without = await directory.told("GET", f"/{kind}?excludedAttributes=members,groups&count=200")
    versions = {each["id"]: each["meta"]["version"] for each in without["Resources"]}
    assert record_id in {each["id"] for each in found}
    assert answer.headers["etag"] == version == versions[record_id]
    return version


def _quoted(version: str) -> str:
    return '"' + version.replace('"', '\\"') + '"'


async def test_a_user_has_another_version_with_each_change_of_their_groups(directory: DirectoryOf) -> None:
    user, group = await directory.user(), await directory.group("Weavers")
    path, group_path = f"/Users/{user['id']}", f"/Groups/{group['id']}"
    member = {"value": [{"value": user["id"]}], "path": "members"}
    tags = [await _tag(directory, path)]

    await directory.patch(group_path, {"op": "add", **member})
    tags.append(await _tag(directory, path))
    await directory.patch(group_path, {"op": "replace", "path": "displayName", "value": "Wéavers\n"})
    tags.append(await _tag(directory, path))
    second = await directory.group("Dyers", user)
    tags.append(await _tag(directory, path))
    await directory.ask("DELETE", f"/Groups/{second['id']}")
    await directory.patch(group_path, {"op": "remove", "path": "members"})
    back = await _tag(directory, path)

    assert len(set(tags)) == 4
    assert back == tags[0]


async def test_whoever_knows_a_user_without_the_group_changes_nothing(directory: DirectoryOf) -> None:
    user = await directory.user()
    path, known = f"/Users/{user['id']}", user["meta"]["version"]
    await directory.group("Weavers", user)

    refused = [await directory.ask(verb, path, body, If_Match=known) for verb, body in _changes(user["userName"])]

    read = await directory.ask("GET", path, If_None_Match=known)
    assert [answer.status_code for answer in refused] == [412, 412, 412]
    assert [group["display"] for group in read.json()["groups"]] == ["Weavers"]
    assert await _status(directory, path, read.headers["etag"]) == 200


def _changes(user_name: str) -> list[tuple[str, object]]:
    put = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": user_name}
    return [("PATCH", RENAME), ("PUT", put), ("DELETE", None)]


async def _status(directory: DirectoryOf, path: str, tag: str) -> int:
    answer: httpx2.Response = await directory.ask("PATCH", path, RENAME, If_Match=tag)
    return answer.status_code


async def test_a_group_has_another_version_when_a_member_is_deleted(directory: DirectoryOf) -> None:
    user, other = await directory.user(), await directory.user()
    group = await directory.group("Weavers", user, other)
    path = f"/Groups/{group['id']}"
    before = await _tag(directory, path)

    await directory.ask("DELETE", f"/Users/{user['id']}")

    assert await _tag(directory, path) != before
    assert await _status(directory, path, before) == 412
