"""A machine with an API key, as it meets the platform."""

from typing import Any

import httpx2
import pytest
from ending import wait_until
from world import Account, World

KEYS = "/api/v1/auth/api-keys"


def make_key(api: httpx2.Client, account: Account, *scopes: str) -> dict[str, Any]:
    answer = api.post(KEYS, json={"name": "A machine", "scopes": list(scopes)}, headers=account.headers)
    assert answer.status_code == 201, answer.text
    key: dict[str, Any] = answer.json()
    return key


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_a_key_opens_what_its_scopes_say_and_nothing_else(api: httpx2.Client, world: World, header: str) -> None:
    key = make_key(api, world.owner, "course:read")["key"]
    headers = {header: f"Bearer {key}" if header == "Authorization" else key}
    course = f"/api/v1/content/courses/{world.ids['course_id']}"

    answers = [api.get(path, headers=headers) for path in (course, "/api/v1/auth/me", KEYS)]

    assert [answer.status_code for answer in answers] == [200, 403, 403]
    assert answers[0].json()["id"] == world.ids["course_id"]


def test_a_revoked_key_is_refused_within_a_second(api: httpx2.Client, world: World) -> None:
    key = make_key(api, world.owner, "course:read")
    course, headers = f"/api/v1/content/courses/{world.ids['course_id']}", {"X-API-Key": key["key"]}
    assert api.get(course, headers=headers).status_code == 200

    assert api.delete(f"{KEYS}/{key['id']}", headers=world.owner.headers).status_code == 204

    wait_until(lambda: api.get(course, headers=headers).status_code == 401, what="a revoked key", longest_seconds=1)


def test_after_a_rotation_without_grace_only_the_new_text_opens(api: httpx2.Client, world: World) -> None:
    key = make_key(api, world.owner, "course:read")
    course = f"/api/v1/content/courses/{world.ids['course_id']}"
    assert api.get(course, headers={"X-API-Key": key["key"]}).status_code == 200

    body = {"prefix": key["prefix"], "grace_seconds": 0}
    rotated = api.post(f"{KEYS}/{key['id']}/rotate", json=body, headers=world.owner.headers).json()

    def opens(text: str) -> int:
        return api.get(course, headers={"X-API-Key": text}).status_code

    wait_until(lambda: opens(key["key"]) == 401, what="the old text of a key", longest_seconds=1)
    assert [opens(text) for text in (key["key"], rotated["key"])] == [401, 200]
