"""Nobody sees another organization's things: every route of the merged document is walked with a stranger's token."""

import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from world import World

SCIM = "urn:ietf:params:scim"
#: What a stranger sends where a route wants a body. A route with a body and without an example fails the walk.
BODIES: dict[str, Any] = {
    "POST /api/v1/ai/ask": {"course_id": "{course_id}", "question": "What keeps what happened?"},
    "POST /api/v1/content/quizzes/{quiz_id}/attempts": {"answers": []},
    "PUT /api/v1/content/courses/{course_id}/visibility": {"visibility": "public"},
    "POST /api/v1/auth/organizations/{organization_id}/invitations": {"roles": ["learner"]},
    "PATCH /api/v1/auth/organizations/{organization_id}/members/{person_id}": {"roles": ["admin"]},
    "PATCH /api/v1/auth/organizations/{organization_id}": {"name": "theirs"},
    "POST /api/v1/auth/organizations/{organization_id}/roles": {
        "name": "theirs",
        "description": "theirs",
        "permissions": ["course:read"],
    },
    "PATCH /api/v1/auth/organizations/{organization_id}/roles/{name}": {"description": "theirs"},
    "POST /api/v1/auth/sessions/switch": {"organization_id": "{organization_id}"},
    "POST /api/v1/auth/factors/authenticators/{factor_id}/confirm": {"code": "492039"},
    "PATCH /api/v1/auth/factors/{factor_id}": {"name": "theirs"},
    "PATCH /api/v1/auth/api-keys/{api_key_id}": {"name": "theirs"},
    "POST /api/v1/auth/api-keys/{api_key_id}/rotate": {"prefix": "0000000000"},
    "PATCH /api/v1/auth/clients/{client_id}": {"name": "theirs"},
    "PATCH /api/v1/auth/sign-on-connections/{connection_id}": {"name": "theirs"},
    "POST /api/v1/auth/clients/{client_id}/rotate": {},
    "PUT /scim/v2/Users/{user_id}": {"schemas": [f"{SCIM}:schemas:core:2.0:User"], "userName": "theirs"},
    "PATCH /scim/v2/Users/{user_id}": {
        "schemas": [f"{SCIM}:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "title", "value": "theirs"}],
    },
    "PUT /scim/v2/Groups/{group_id}": {"schemas": [f"{SCIM}:schemas:core:2.0:Group"], "displayName": "theirs"},
    "PATCH /scim/v2/Groups/{group_id}": {
        "schemas": [f"{SCIM}:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "displayName", "value": "theirs"}],
    },
    "PATCH /api/v1/feed/webhooks/{webhook_id}": {"description": "theirs"},
    "POST /api/v1/feed/webhooks/{webhook_id}/replay": {"since": "2026-01-01T00:00:00Z"},
}
#: Routes that name nothing of an organization: they act for the caller alone.
OWN = {
    "POST /api/v1/content/imports",
    "GET /api/v1/auth/me",
    "DELETE /api/v1/auth/me",
    "POST /api/v1/auth/logout",
    "PUT /api/v1/auth/me/password",
    "POST /api/v1/auth/verify-email/again",
    "POST /api/v1/auth/api-keys",
    "POST /api/v1/auth/clients",
    "POST /api/v1/feed/webhooks",
    # These never end while their token is valid.
    "GET /api/v1/feed/events/stream",
    "GET /api/v1/stream",
}


def _routes(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in {"get", "post", "put", "patch", "delete"}:
                yield f"{method.upper()} {path}", operation


def _is_for_operators(operation: dict[str, Any]) -> bool:
    return str(operation.get("x-permission", "")).startswith("platform:")


#: Operators' routes name records and groups, which are nobody's; any value will do for who may not ask.
NOBODYS = {
    "group": "ai.passages",
    "topic": "content.course",
    "position": "1",
    "partition": "0",
    "offset": "0",
    "name": "learner",
    "urn": "urn:ietf:params:scim:schemas:core:2.0:User",
    "invitation_id": "01990000-0000-7000-8000-000000000000",
    "replay_id": "01990000-0000-7000-8000-000000000000",
    "reset_id": "01990000-0000-7000-8000-000000000000",
    # Made with a provider that answers, which is none here; auth's own tests try another organization's.
    "connection_id": "01990000-0000-7000-8000-000000000000",
    "identity_id": "01990000-0000-7000-8000-000000000000",
    "domain": "example.org",
    # Of an export of one's own data: a stranger's would be theirs alone.
    "export_id": "01990000-0000-7000-8000-000000000000",
}


def _filled(template: Any, ids: dict[str, str]) -> Any:
    """The example with the owner's ids in it; a parameter that has none fails the walk."""
    if isinstance(template, dict):
        return {name: _filled(value, ids) for name, value in template.items()}
    if isinstance(template, str):
        return re.sub(r"\{(\w+)\}", lambda match: (NOBODYS | ids)[match.group(1)], template)
    return template


@pytest.fixture(scope="module")
def document(api: httpx2.Client) -> dict[str, Any]:
    told: dict[str, Any] = api.get("/openapi.json").json()
    return told


def test_a_stranger_gets_404_for_everything_of_another_organization(
    api: httpx2.Client, world: World, document: dict[str, Any]
) -> None:
    wrong: list[str] = []
    walked = 0
    for route, operation in _routes(document):
        if "x-permission" not in operation or route in OWN or _is_for_operators(operation):
            continue
        method, path = route.split(" ", 1)
        if "{" not in path and route not in BODIES:
            continue
        if "requestBody" in operation and route not in BODIES:
            pytest.fail(f"{route} takes a body: give it an example in BODIES.")
        body = _filled(BODIES.get(route), world.ids)
        answer = api.request(method, _filled(path, world.ids), json=body, headers=world.stranger.headers)
        walked += 1
        if answer.status_code != 404:
            wrong.append(f"{route}: {answer.status_code} {answer.text[:200]}")

    assert walked > 15
    assert not wrong, "\n".join(wrong)


def test_a_strangers_lists_show_nothing_of_another_organization(
    api: httpx2.Client, world: World, document: dict[str, Any]
) -> None:
    lists = [r for r, operation in _routes(document) if r.startswith("GET ") and "{" not in r and r not in OWN]
    operations = dict(_routes(document))
    protected = [
        route.removeprefix("GET ")
        for route in lists
        if "x-permission" in operations[route] and not _is_for_operators(operations[route])
    ]
    owners = set(world.ids.values())

    answers = {path: api.get(path, headers=world.stranger.headers) for path in protected}

    assert protected
    assert {path: a.status_code for path, a in answers.items()} == dict.fromkeys(protected, 200)
    assert not [path for path, answer in answers.items() if any(known in answer.text for known in owners)]


def test_what_is_for_operators_is_refused_to_an_organizations_admin(
    api: httpx2.Client, world: World, document: dict[str, Any]
) -> None:
    routes = [route.split(" ", 1) for route, operation in _routes(document) if _is_for_operators(operation)]

    answers = {
        f"{method} {path}": api.request(method, _filled(path, world.ids), headers=world.stranger.headers).status_code
        for method, path in routes
    }

    assert len(answers) > 10
    assert answers == dict.fromkeys(answers, 403)


def test_without_a_token_nothing_but_the_public_routes_answers(
    api: httpx2.Client, world: World, document: dict[str, Any]
) -> None:
    open_routes = []
    for route, operation in _routes(document):
        method, path = route.split(" ", 1)
        answer = api.request(method, _filled(path, world.ids))
        if "x-permission" in operation and answer.status_code != 401:
            open_routes.append(f"{route}: {answer.status_code}")

    assert not open_routes


def test_every_route_says_who_may_call_it(document: dict[str, Any]) -> None:
    silent = [route for route, op in _routes(document) if "x-permission" not in op and not op.get("x-public")]

    assert not silent


def test_internal_routes_are_not_exposed(api: httpx2.Client, document: dict[str, Any]) -> None:
    assert not [path for path in document["paths"] if "internal" in path or path in {"/livez", "/metrics"}]
    assert api.get("/internal/anything").status_code == 404
