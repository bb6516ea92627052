"""Refusals below /scim: in SCIM's own form, and of everybody whom it does not concern."""

from typing import Any

import httpx2
import pytest

from .conftest import Doors
from .directory import ERROR, PATCH, USER, DirectoryOf

NOBODY = "01990000-0000-7000-8000-000000000000"
ROUTES = [
    ("GET", "/Users"),
    ("POST", "/Users"),
    ("POST", "/Users/.search"),
    ("GET", f"/Users/{NOBODY}"),
    ("PUT", f"/Users/{NOBODY}"),
    ("PATCH", f"/Users/{NOBODY}"),
    ("DELETE", f"/Users/{NOBODY}"),
    ("GET", "/Groups"),
    ("POST", "/Groups"),
    ("POST", "/Groups/.search"),
    ("GET", f"/Groups/{NOBODY}"),
    ("PUT", f"/Groups/{NOBODY}"),
    ("PATCH", f"/Groups/{NOBODY}"),
    ("DELETE", f"/Groups/{NOBODY}"),
    ("POST", "/.search"),
]
BODIES: dict[str, Any] = {
    "PUT": {"schemas": [USER], "userName": "ada", "displayName": "Teachers"},
    "PATCH": {"schemas": [PATCH], "Operations": [{"op": "remove", "path": "externalId"}]},
    "POST": {"schemas": [USER], "userName": "ada", "displayName": "Teachers"},
}


def check(answer: httpx2.Response, status: int, *, keyword: str | None = None) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/scim+json"
    told = answer.json()
    assert (told["schemas"], told["status"], told.get("scimType")) == ([ERROR], str(status), keyword)
    assert told["detail"]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_without_a_token_nothing_is_told(client: httpx2.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, f"/scim/v2{path}", json=BODIES.get(method))

    check(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_without_the_permission_nothing_is_done(doors: Doors, method: str, path: str) -> None:
    directory = await DirectoryOf.by(doors, await doors.newcomer(), scopes=["member:read"])

    check(await directory.ask(method, path, BODIES.get(method)), 403)


@pytest.mark.parametrize(("method", "path"), [route for route in ROUTES if NOBODY in route[1]])
async def test_what_is_another_organizations_is_not_there(doors: Doors, method: str, path: str) -> None:
    directory, other = await DirectoryOf.somebody(doors), await DirectoryOf.somebody(doors)
    user, group = await other.user(), await other.group("Teachers")
    theirs = path.replace(NOBODY, user["id"] if "Users" in path else group["id"])

    for each in (theirs, path, path.replace(NOBODY, "no-id")):
        body = BODIES.get(method)
        kind = "urn:ietf:params:scim:schemas:core:2.0:Group" if "Groups" in path and method == "PUT" else USER
        check(await directory.ask(method, each, {**body, "schemas": [kind]} if method == "PUT" and body else body), 404)
    assert (await other.told("GET", f"/Users/{user['id']}"))["userName"] == user["userName"]


async def test_another_organizations_users_and_groups_are_in_no_list(doors: Doors) -> None:
    directory, other = await DirectoryOf.somebody(doors), await DirectoryOf.somebody(doors)
    user, group = await other.user(), await other.group("Teachers")

    assert await directory.find(f'id eq "{user["id"]}" or userName pr') == await directory.find("userName pr")
    assert user["id"] not in (await directory.ask("GET", "/Users?count=200")).text
    assert group["id"] not in (await directory.ask("GET", "/Groups")).text


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/Schemas"), ("DELETE", "/ResourceTypes"), ("PATCH", "/Users"), ("PUT", "/Groups")]
)
async def test_a_path_refuses_other_methods(doors: Doors, method: str, path: str) -> None:
    directory = await DirectoryOf.somebody(doors)

    answer = await directory.ask(method, path, {})

    check(answer, 405)
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("path", ["/Nothing", "/", "", "/Me", "/Bulk", "/Schemas/urn:x:y", "/ResourceTypes/Nothing"])
async def test_what_is_not_there_is_told_so(doors: Doors, path: str) -> None:
    directory = await DirectoryOf.somebody(doors)

    check(await directory.ask("GET", path), 404)


@pytest.mark.parametrize(
    ("body", "keyword"),
    [
        (b"", "invalidSyntax"),
        (b"{", "invalidSyntax"),
        (b"[]", "invalidSyntax"),
        (b'"\xff"', "invalidSyntax"),
        (b"{}", "invalidValue"),
        (b'{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": ""}', "invalidValue"),
        (b'{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": 7}', "invalidValue"),
        (b'{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "a\\u0000"}', "invalidValue"),
        (b'{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "userName": "a"}', "invalidSyntax"),
        (
            b'{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "' + b"a" * 255 + b'"}',
            "invalidValue",
        ),
        (b'{"userName": ' + b"[" * 900 + b"]" * 900 + b"}", "invalidSyntax"),
        (b'{"userName": ' + b"[" * 90_000 + b"]" * 90_000 + b"}", "invalidSyntax"),
        (b'{"userName": "ada", "x": ' + b'{"x": ' * 900 + b"1" + b"}" * 901, "invalidSyntax"),
    ],
)
async def test_a_body_that_is_no_user_is_refused(doors: Doors, body: bytes, keyword: str) -> None:
    directory = await DirectoryOf.somebody(doors)

    answer = await doors.client.post("/scim/v2/Users", content=body, headers=directory.headers)

    check(answer, 400, keyword=keyword)


async def test_a_body_that_is_too_large_is_refused(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)

    answer = await doors.client.post("/scim/v2/Users", content=b" " * 1_100_000, headers=directory.headers)

    check(answer, 413)


@pytest.mark.parametrize(
    ("query", "keyword"),
    [
        ("filter=userName eq", "invalidFilter"),
        ('filter=nothing eq "x"', "invalidFilter"),
        ("filter=active gt true", "invalidFilter"),
        ('filter=meta.created co "2026"', "invalidFilter"),
        ('filter=userName eq "\\u0000"', "invalidFilter"),
        ("sortBy=nothing", "invalidPath"),
        ("count=many", "invalidValue"),
    ],
)
async def test_a_question_that_can_not_be_asked_is_refused(doors: Doors, query: str, keyword: str) -> None:
    directory = await DirectoryOf.somebody(doors)

    check(await directory.ask("GET", f"/Users?{query}"), 400, keyword=keyword)


@pytest.mark.parametrize(
    ("operation", "keyword"),
    [
        ({"op": "move", "path": "title"}, "invalidValue"),
        ({"op": "remove"}, "noTarget"),
        ({"op": "replace", "path": "id", "value": "1"}, "mutability"),
        ({"op": "add", "path": "groups", "value": [{"value": "1"}]}, "mutability"),
        ({"op": "remove", "path": "userName"}, "mutability"),
        ({"op": "replace", "path": "emails[", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": "active", "value": "perhaps"}, "invalidValue"),
        ({"op": "replace", "path": 'emails[type sw "w"].value', "value": "x"}, "noTarget"),
        ({"op": "replace", "path": f'emails[type eq "{"x" * 4000}"].value', "value": "x"}, "invalidPath"),
        ({"op": "remove", "path": "emails", "value": [{"type": "x", "value": str(n)} for n in range(51)]}, "tooMany"),
    ],
)
async def test_an_operation_that_can_not_be_done_is_refused(
    doors: Doors, operation: dict[str, Any], keyword: str
) -> None:
    directory = await DirectoryOf.somebody(doors)
    user = await directory.user()

    body = {"schemas": [PATCH], "Operations": [operation]}

    check(await directory.ask("PATCH", f"/Users/{user['id']}", body), 400, keyword=keyword)


async def test_what_the_service_has_not_is_told_so(doors: Doors) -> None:
    directory = await DirectoryOf.somebody(doors)

    check(await directory.ask("POST", "/.search", {}), 501)
    check(await directory.ask("GET", '/Schemas?filter=id eq "x"'), 403)


async def test_what_the_endpoint_is_may_anybody_know(client: httpx2.AsyncClient) -> None:
    told = {
        path: await client.get(f"/scim/v2/{path}") for path in ("ServiceProviderConfig", "ResourceTypes", "Schemas")
    }

    assert {answer.status_code for answer in told.values()} == {200}
    config = told["ServiceProviderConfig"].json()
    assert [config[name]["supported"] for name in ("patch", "filter", "sort", "etag")] == [True] * 4
    assert (config["bulk"]["supported"], config["changePassword"]["supported"]) == (False, False)
    assert [each["name"] for each in told["ResourceTypes"].json()["Resources"]] == ["User", "Group"]
    assert len(told["Schemas"].json()["Resources"]) == 4
