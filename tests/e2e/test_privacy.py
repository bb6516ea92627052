"""A person is forgotten everywhere, which a search for what only they brought in shows: also while a replay runs."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from conftest import Platform
from planting import AUTH, IS_LINUX, Planted, eventually, log_in, plant
from world import World
from world import log_in as log_in_anew

SERVICES = {"auth", "content", "ai", "analytics", "feed"}
#: Doors behind which nothing is kept in the clear: what the tutor was asked; what stands in the audit log.
NEVER_CLEAR = {"question", "reason", "network"}
#: Where something of the person can be read before, beside the places that a canary's door has in its name.
PLACES = {
    *("people", "memberships", "sessions", "api_keys", "factors", "passkey_challenges", "mail_tokens", "invitations"),
    *("scim_users", "sign_on_identities", "person_exports", "jobs", "idempotency_keys"),
}


def _prove(platform: Platform, person_id: str, *options: str) -> tuple[int, dict[str, Any]]:
    """What the command tells, once the platform lets it in: it asks for seconds, and two cores may be busy longer."""

    def told() -> tuple[int, dict[str, Any]] | None:
        ran = platform.stoa("privacy", "prove", person_id, *options, "--json")
        assert "Traceback" not in ran.stderr, ran.stderr
        return (ran.returncode, json.loads(ran.stdout)) if ran.stdout else None

    return eventually(told)


def _look_for(platform: Platform, planted: Planted) -> tuple[int, dict[str, Any]]:
    return _prove(platform, planted.account.person_id, *planted.canaries.options)


@pytest.fixture(scope="module")
def operator(api: httpx2.Client, platform: Platform) -> dict[str, str]:
    credentials = {"email": "operator@example.com", "password": platform.environment["AUTH_OPERATOR_PASSWORD"]}
    told = api.post(f"{AUTH}/login", json=credentials).json()
    return {"Authorization": f"Bearer {told['access_token']}"}


@pytest.fixture(scope="module")
def planted(api: httpx2.Client, world: World, platform: Platform, operator: dict[str, str]) -> Planted:
    return plant(api, platform, log_in_anew(api, world.owner.email), operator)


def test_the_archive_of_a_person_has_every_service_in_it(planted: Planted) -> None:
    files, canaries = planted.files, planted.canaries

    assert {name.partition("/")[0] for name in files if "/" in name} == SERVICES
    assert canaries.name in files["auth/people.json"]
    assert canaries.device in files["auth/sessions.json"]
    assert canaries.key in files["auth/api_keys.json"]
    assert canaries.factor in files["auth/factors.json"]
    assert canaries.directory in files["auth/scim_users.json"]
    assert canaries.subject in files["auth/sign_on_identities.json"]
    assert canaries.network in files["auth/audit_records.json"] or not IS_LINUX
    assert canaries.answer in files["content/attempts.json"]
    assert len(json.loads(files["content/uploads.json"])) == 1
    assert len(json.loads(files["ai/generations.json"])) == 1


def test_what_cannot_be_looked_into_is_told_and_proves_nothing(platform: Platform) -> None:
    nowhere = {"CONTENT_OBJECTS_URL": "s3://uploads", "CONTENT_OBJECTS_ENDPOINT": "http://127.0.0.1:9"}

    code, told = _prove(replace(platform, environment={**platform.environment, **nowhere}), str(uuid4()))

    assert (code, told["readable"]) == (3, [])
    assert [sentence for sentence in told["left_out"] if "s3://uploads" in sentence]


def _has_arrived(platform: Platform, planted: Planted) -> dict[str, Any] | None:
    """What a search finds once the person's events are in the warehouse and in the feed's copy."""
    _, told = _look_for(platform, planted)
    found = {each["place"] for each in [*told["readable"], *told["opaque"]]}
    return told if {"mail", "analytics: warehouse", "feed: table feed_events"} <= found else None


def _erasure(api: httpx2.Client, operator: dict[str, str], person_id: str) -> dict[str, Any] | None:
    answer = api.get(f"{AUTH}/erasures", params={"person_id": person_id}, headers=operator)
    items: list[dict[str, Any]] = answer.json()["items"]
    return next((each for each in items if each["completed_at"]), None)


def _erase(api: httpx2.Client, planted: Planted) -> None:
    with httpx2.Client(base_url=api.base_url, timeout=60) as own:
        # Only who has just proved who they are may ask for it.
        ada = log_in(own, planted.canaries)
        assert own.delete(f"{AUTH}/me", headers=ada.headers).status_code == 204


@contextmanager
def _replays(
    api: httpx2.Client, operator: dict[str, str], planted: Planted, groups: tuple[str, ...]
) -> Iterator[Counter[str]]:
    """All since the person came is replayed to these groups, again and again, until the block ends; how they ended."""
    ended, is_over = Counter[str](), threading.Event()

    def replay(group: str) -> None:
        path = f"/api/v1/{group.partition('.')[0]}/messaging/replays"
        wanted = {"group": group, "from": planted.since.isoformat(), "rate": 100}
        while not is_over.is_set():
            ended[f"{group}: {_replayed(api, path, wanted, operator)}"] += 1

    threads = [threading.Thread(target=replay, args=[group]) for group in groups]
    for thread in threads:
        thread.start()
    try:
        yield ended
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def _replayed(api: httpx2.Client, path: str, wanted: dict[str, Any], operator: dict[str, str]) -> str:
    """How a replay ended."""
    asked = api.post(path, json=wanted, headers=operator)
    if not asked.is_success:
        return f"{asked.status_code} {asked.text}"
    until = time.monotonic() + 120
    while time.monotonic() < until:
        told = api.get(f"{path}/{asked.json()['id']}", headers=operator).json()
        if told["state"] in {"completed", "cancelled", "failed"}:
            return str(told["state"])
        time.sleep(0.2)
    return "not at all"


def _canaries_in(told: dict[str, Any], planted: Planted) -> set[str]:
    names = planted.canaries.names
    numbered = {each["what"].partition(" ")[2] for each in told["readable"] if each["what"].startswith("canary ")}
    return {names[int(number) - 1] for number in numbered}


def test_nothing_readable_is_left_of_who_was_erased_also_while_replays_run(
    api: httpx2.Client, platform: Platform, planted: Planted, operator: dict[str, str]
) -> None:
    groups = ("analytics.events", "feed.copy")
    before = eventually(lambda: _has_arrived(platform, planted))

    with _replays(api, operator, planted, groups) as ended:
        _erase(api, planted)
        erasure = eventually(lambda: _erasure(api, operator, planted.account.person_id))
        during = _look_for(platform, planted)
        # One of each group that has begun since then comes to its end.
        so_far = dict(ended)
        eventually(
            lambda: all(ended[f"{group}: completed"] >= so_far.get(f"{group}: completed", 0) + 2 for group in groups)
        )
    after = _look_for(platform, planted)

    assert _canaries_in(before, planted) == set(planted.canaries.names) - NEVER_CLEAR
    tables = {each["place"].partition(": table ")[2] for each in before["readable"]}
    assert tables >= PLACES
    assert [each["place"] for each in before["readable"] if "imports/" in each["place"]], "an archive"
    assert set(erasure["completed"]) == SERVICES
    assert set(ended) == {f"{group}: completed" for group in groups}
    for code, told in (during, after):
        assert (told["readable"], told["left_out"], code) == ([], [], 0)
