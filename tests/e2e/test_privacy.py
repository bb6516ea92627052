"""A person is forgotten everywhere, which a search for what only they brought in shows: also while a replay runs."""

import io
import json
import secrets
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from conftest import Platform
from world import PASSWORD, Account, World, archive, lessons_of, wait_for_job

SECONDS = 120.0
SERVICES = {"auth", "content", "ai", "analytics", "feed"}
ESSAY = """---
title: In your own words
kind: quiz
max_attempts: 5
---
## The outbox

What does it keep?

= "events"
"""


@dataclass(frozen=True)
class Canaries:
    """Texts that only this person brought in, by the door."""

    name: str
    address: str
    answer: str
    question: str
    device: str
    key_name: str
    idempotency: str
    second_name: str

    @classmethod
    def new(cls) -> "Canaries":
        made = {name: f"canary{secrets.token_hex(6)}{name.replace('_', '')}" for name in cls.__annotations__}
        return cls(**made)

    @property
    def options(self) -> list[str]:
        return [part for text in vars(self).values() for part in ("--canary", text)]


@dataclass(frozen=True)
class Planted:
    """Somebody who has left a canary at every door."""

    account: Account
    canaries: Canaries


def _eventually(told: Any, *, seconds: float = SECONDS) -> Any:
    """What a function tells, once it tells anything."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := told():
            return found
        time.sleep(0.5)
    raise TimeoutError("It did not come.")


def _course_with_texts(api: httpx2.Client, owner: Account) -> tuple[str, str]:
    """A published course with a quiz that wants a text: its id, and the quiz's."""
    body = archive(**{"01-essay": ESSAY})
    job = api.post("/api/v1/content/imports", content=body, headers=owner.headers).json()
    course_id = wait_for_job(api, owner, job["id"])["result"]["id"]
    course = api.post(f"/api/v1/content/courses/{course_id}/publish", headers=owner.headers)
    assert course.status_code == 200, course.text
    told = api.get(f"/api/v1/content/courses/{course_id}", headers=owner.headers).json()
    return course_id, next(lesson["quiz_id"] for lesson in lessons_of(told) if lesson["quiz_id"])


def _register(api: httpx2.Client, owner: Account, canaries: Canaries) -> Account:
    path = f"/api/v1/auth/organizations/{owner.organization_id}/invitations"
    body = {"roles": ["learner"], "max_uses": 1, "expires_in_hours": 1}
    invitation = api.post(path, json=body, headers=owner.headers).json()["token"]
    email = f"{canaries.address}@example.com"
    person = {"email": email, "password": PASSWORD, "name": canaries.name, "invitation": invitation}
    assert api.post("/api/v1/auth/register", json=person).status_code == 202
    # The device is a name that a program gives itself.
    device = {"User-Agent": canaries.device}
    told = api.post("/api/v1/auth/login", json={"email": email, "password": PASSWORD}, headers=device).json()
    headers = {"Authorization": f"Bearer {told['access_token']}", **device}
    return Account(email, told["person_id"], told["organization_id"], headers, told["refresh_token"])


def _plant(api: httpx2.Client, world: World) -> Planted:
    canaries = Canaries.new()
    course_id, quiz_id = _course_with_texts(api, world.owner)
    ada = _register(api, world.owner, canaries)
    keyed = ada.headers | {"Idempotency-Key": canaries.idempotency}
    assert api.post(f"/api/v1/content/courses/{course_id}/enrollments", headers=keyed).status_code == 201
    quiz = api.get(f"/api/v1/content/quizzes/{quiz_id}", headers=ada.headers).json()
    answers = [{"question_id": question["id"], "text": canaries.answer} for question in quiz["questions"]]
    graded = api.post(f"/api/v1/content/quizzes/{quiz_id}/attempts", json={"answers": answers}, headers=ada.headers)
    assert graded.status_code == 201, graded.text
    asked = {"course_id": course_id, "question": f"What is {canaries.question}?"}
    # The tutor hears of the course by its events, in its own time.
    _eventually(lambda: api.post("/api/v1/ai/ask", json=asked, headers=ada.headers, timeout=60).status_code == 200)
    for name in (canaries.key_name, canaries.second_name):
        made = api.post("/api/v1/auth/api-keys", json={"name": name, "scopes": ["course:read"]}, headers=ada.headers)
        assert made.status_code == 201, made.text
    api.post("/api/v1/auth/forgot-password", json={"email": ada.email})
    # A log-in that fails, and one of a session that stays open.
    api.post("/api/v1/auth/login", json={"email": ada.email, "password": "wrong"})
    return Planted(ada, canaries)


def _prove(platform: Platform, planted: Planted) -> tuple[int, dict[str, Any]]:
    command = ("privacy", "prove", planted.account.person_id, *planted.canaries.options, "--json")
    ran = platform.stoa(*command)
    assert ran.returncode in {0, 1}, ran.stdout + ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout)
    return ran.returncode, told


@pytest.fixture(scope="module")
def operator(api: httpx2.Client, platform: Platform) -> dict[str, str]:
    credentials = {"email": "operator@example.com", "password": platform.environment["AUTH_OPERATOR_PASSWORD"]}
    told = api.post("/api/v1/auth/login", json=credentials).json()
    return {"Authorization": f"Bearer {told['access_token']}"}


@pytest.fixture
def planted(api: httpx2.Client, world: World, platform: Platform) -> Planted:
    """Everything has arrived where it goes: in mail, and in the warehouse."""
    made = _plant(api, world)

    def places() -> dict[str, Any] | None:
        _, told = _prove(platform, made)
        found = {each["place"] for each in [*told["readable"], *told["opaque"]]}
        return told if {"mail", "analytics: warehouse", "feed: table feed_events"} <= found else None

    _eventually(places)
    return made


def _erasure(api: httpx2.Client, operator: dict[str, str], person_id: str) -> dict[str, Any] | None:
    answer = api.get("/api/v1/auth/erasures", params={"person_id": person_id}, headers=operator)
    items: list[dict[str, Any]] = answer.json()["items"]
    return next((each for each in items if each["completed_at"]), None)


def test_the_archive_of_a_person_has_every_service_in_it(api: httpx2.Client, planted: Planted) -> None:
    ada, canaries = planted.account, planted.canaries
    exports = "/api/v1/auth/me/exports"
    asked = api.post(exports, headers=ada.headers)
    assert asked.status_code == 202, asked.text
    job_path = asked.headers["Location"]
    job = _eventually(
        lambda: (told := api.get(job_path, headers=ada.headers).json())["status"] not in {"queued", "running"} and told
    )
    assert job["status"] == "succeeded", job

    answer = api.get(f"{job['result']['href']}/archive", headers=ada.headers)

    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as bundle:
        files = {name: bundle.read(name).decode() for name in bundle.namelist()}
    assert {name.partition("/")[0] for name in files if "/" in name} == SERVICES
    assert canaries.name in files["auth/people.json"]
    assert canaries.answer in files["content/attempts.json"]
    assert canaries.key_name in files["auth/api_keys.json"]
    assert len(json.loads(files["ai/generations.json"])) == 1
    assert ada.person_id in files["analytics/warehouse.json"]
    assert ada.person_id in files["feed/feed_events.json"]


@contextmanager
def _replays(platform: Platform, *groups: str) -> Iterator[Counter[str]]:
    """Everything is replayed to these groups, again and again, until the block ends; counts what ended well."""
    ended, is_over = Counter[str](), threading.Event()

    def replay(group: str) -> None:
        while not is_over.is_set():
            ran = platform.stoa("events", "replay", "--to", group, "--rate", "100", seconds=SECONDS)
            ended[f"{group}: {ran.returncode}"] += 1

    threads = [threading.Thread(target=replay, args=[group]) for group in groups]
    for thread in threads:
        thread.start()
    try:
        yield ended
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def test_nothing_readable_is_left_of_who_was_erased_also_while_replays_run(
    api: httpx2.Client, platform: Platform, planted: Planted, operator: dict[str, str]
) -> None:
    ada, groups = planted.account, ("analytics.events", "feed.copy")
    before, told_before = _prove(platform, planted)

    with _replays(platform, *groups) as ended:
        erased = api.delete("/api/v1/auth/me", headers=ada.headers)
        assert erased.status_code == 204, erased.text
        erasure = _eventually(lambda: _erasure(api, operator, ada.person_id))
        during, told_during = _prove(platform, planted)
        # Some that have begun since then come to their end.
        so_far = sum(ended.values())
        _eventually(lambda: sum(ended.values()) >= so_far + 2 * len(groups))
    after, told_after = _prove(platform, planted)

    assert before == 1
    found_before = {each["what"] for each in told_before["readable"]}
    assert {"id", "canary 1", "canary 2", "canary 3", "canary 6"} <= found_before
    assert set(erasure["completed"]) == SERVICES
    assert (during, told_during["readable"]) == (0, [])
    assert (after, told_after["readable"]) == (0, [])
    assert set(ended) == {f"{group}: 0" for group in groups}
