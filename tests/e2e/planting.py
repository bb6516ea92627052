"""Somebody who leaves a text that only they bring in at every door of the platform."""

import io
import json
import random
import secrets
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import psycopg
from conftest import Platform
from world import PASSWORD, Account, archive, lessons_of, wait_for_job

from stoa_devkit import databases
from stoa_devkit.servers import Postgres
from stoa_devkit.state import State

T = TypeVar("T")
SECONDS = 120.0
IS_LINUX = sys.platform == "linux"
AUTH = "/api/v1/auth"
SCIM_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
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
    key: str
    idempotency: str
    directory: str
    factor: str
    upload: str
    reason: str
    subject: str
    #: Where their requests come from, where every address of the loopback network is one's own: on Linux.
    network: str

    @classmethod
    def new(cls) -> "Canaries":
        made = {field.name: f"canary{secrets.token_hex(6)}{field.name}" for field in fields(cls)}
        return cls(**{**made, "network": "127." + ".".join(str(random.randint(100, 250)) for _ in range(3))})

    @property
    def names(self) -> list[str]:
        return [field.name for field in fields(self)]

    @property
    def options(self) -> list[str]:
        return [part for name in self.names for part in ("--canary", getattr(self, name))]


@dataclass(frozen=True)
class Planted:
    """Who left them, and since when; what they took along as an archive, by file."""

    account: Account
    canaries: Canaries
    since: datetime
    files: dict[str, str]


def eventually(told: Callable[[], T | None], *, seconds: float = SECONDS, pause: float = 0.2) -> T:
    """What a function tells, once it tells anything."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := told():
            return found
        time.sleep(pause)
    raise TimeoutError("It did not come.")


def plant(api: httpx2.Client, platform: Platform, owner: Account, operator: dict[str, str]) -> Planted:
    """A learner and author in the owner's organization, known to its directory, who has used all there is."""
    canaries, since = Canaries.new(), datetime.now(UTC)
    course_id, quiz_id = _course_with_texts(api, owner)
    person_id = _provision(api, platform, owner, canaries)
    _link_identity(platform, owner, person_id, canaries)
    from_there = httpx2.HTTPTransport(local_address=canaries.network) if IS_LINUX else None
    with httpx2.Client(base_url=api.base_url, timeout=60, transport=from_there) as own:
        ada = log_in(own, canaries)
        _learn(own, ada, canaries, course_id=course_id, quiz_id=quiz_id)
        _keep_things(own, ada, canaries)
        _be_seen(api, ada, canaries, operator=operator)
        return Planted(ada, canaries, since, _take_along(own, ada))


def log_in(own: httpx2.Client, canaries: Canaries) -> Account:
    """By a program that gives itself a name."""
    email, device = f"{canaries.address}@example.com", {"User-Agent": canaries.device}
    told = _done(own.post(f"{AUTH}/login", json={"email": email, "password": PASSWORD}, headers=device))
    headers = {"Authorization": f"Bearer {told['access_token']}", **device}
    return Account(email, told["person_id"], told["organization_id"], headers, told["refresh_token"])


def _done(answer: httpx2.Response) -> Any:
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


def _course_with_texts(api: httpx2.Client, owner: Account) -> tuple[str, str]:
    """A published course with a quiz that wants a text: its id, and the quiz's."""
    body = archive(**{"01-essay": ESSAY})
    job = _done(api.post("/api/v1/content/imports", content=body, headers=owner.headers))
    course_id = wait_for_job(api, owner, job["id"])["result"]["id"]
    _done(api.post(f"/api/v1/content/courses/{course_id}/publish", headers=owner.headers))
    told = _done(api.get(f"/api/v1/content/courses/{course_id}", headers=owner.headers))
    return course_id, next(lesson["quiz_id"] for lesson in lessons_of(told) if lesson["quiz_id"])


def _provision(api: httpx2.Client, platform: Platform, owner: Account, canaries: Canaries) -> str:
    """Invited by mail, then made a member by the directory: an account whose password the welcome mail lets choose."""
    email, organization = f"{canaries.address}@example.com", f"{AUTH}/organizations/{owner.organization_id}"
    _done(api.post(f"{organization}/invitations", json={"roles": ["learner"], "email": email}, headers=owner.headers))
    said = {"userName": email, "displayName": canaries.name, "title": canaries.directory, "schemas": [SCIM_USER]}
    _done(api.post("/scim/v2/Users", json=said, headers=owner.headers))
    found = {"filter": f'userName eq "{email}"'}
    assert _done(api.get("/scim/v2/Users", params=found, headers=owner.headers))["totalResults"] == 1
    members = _done(api.get(f"{organization}/members", params={"limit": 200}, headers=owner.headers))["items"]
    person_id: str = next(member["person_id"] for member in members if member["email"] == email)
    # An answer that is kept for the owner, and shows the person.
    keyed = {**owner.headers, "Idempotency-Key": secrets.token_hex(8)}
    roles = {"roles": ["learner", "author"]}
    _done(api.patch(f"{organization}/members/{person_id}", json=roles, headers=keyed))
    chosen = {"token": eventually(lambda: _welcomed(platform, email)), "password": PASSWORD}
    _done(api.post(f"{AUTH}/reset-password", json=chosen))
    return person_id


def _welcomed(platform: Platform, email: str) -> str | None:
    shown = platform.stoa("mail", "show", "--to", email, "--json")
    mail = json.loads(shown.stdout) if shown.returncode == 0 else {"kind": None}
    return mail["token"] if mail["kind"] == "welcome" else None


def _link_identity(platform: Platform, owner: Account, person_id: str, canaries: Canaries) -> None:
    """As a sign-on leaves it: no provider that may be asked from here is on this machine."""
    state = State(Path(platform.environment["STOA_STATE_DIR"]))
    server = Postgres(state.data / "postgres", state.log("postgres"), state.port("postgres"))
    connection_id = (owner.organization_id, canaries.subject, person_id)
    with psycopg.connect(databases.urls_of("auth", server, state).migrate) as connection:
        connection.execute(
            """WITH made AS (
                INSERT INTO sign_on_connections (id, organization_id, name, issuer, client_id, sealed_secret, scopes,
                    default_roles, role_mapping, admits_newcomers, is_enabled, created_at)
                VALUES (gen_random_uuid(), %s, 'Example', 'https://id.example.org', 'stoa', '', '{}', '{learner}',
                    '{}', false, false, now()) RETURNING id
            )
            INSERT INTO sign_on_identities (id, connection_id, provider_subject, person_id, linked_at)
            SELECT gen_random_uuid(), made.id, %s, %s, now() FROM made""",
            connection_id,
        )


def _learn(own: httpx2.Client, ada: Account, canaries: Canaries, *, course_id: str, quiz_id: str) -> None:
    content, keyed = "/api/v1/content", {**ada.headers, "Idempotency-Key": canaries.idempotency}
    _done(own.post(f"{content}/courses/{course_id}/enrollments", headers=keyed))
    quiz = _done(own.get(f"{content}/quizzes/{quiz_id}", headers=ada.headers))
    answers = [{"question_id": question["id"], "text": canaries.answer} for question in quiz["questions"]]
    _done(own.post(f"{content}/quizzes/{quiz_id}/attempts", json={"answers": answers}, headers=ada.headers))
    # In the archive, and not in the course: the words of a course are its organization's.
    body = _with_picture(archive(**{"01-lesson": "---\ntitle: A lesson\n---\nWords.\n"}), canaries.upload)
    job = _done(own.post(f"{content}/imports", content=body, headers=ada.headers))
    assert wait_for_job(own, ada, job["id"])["status"] == "succeeded"
    asked = {"course_id": course_id, "question": f"What is {canaries.question}?"}
    # The tutor hears of the course by its events, in its own time.
    eventually(lambda: own.post("/api/v1/ai/ask", json=asked, headers=ada.headers).status_code == 200)


def _with_picture(packed: bytes, text: str) -> bytes:
    buffer = io.BytesIO(packed)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("01-start/picture.png", f"{text} " * 100)
    return buffer.getvalue()


def _keep_things(own: httpx2.Client, ada: Account, canaries: Canaries) -> None:
    key = {"name": canaries.key, "scopes": ["course:read"]}
    _done(own.post(f"{AUTH}/api-keys", json=key, headers=ada.headers))
    _done(own.post(f"{AUTH}/factors/authenticators", json={"name": canaries.factor}, headers=ada.headers))
    _done(own.post(f"{AUTH}/passkeys/registration", headers=ada.headers))
    _done(own.post(f"{AUTH}/forgot-password", json={"email": ada.email}))


def _be_seen(api: httpx2.Client, ada: Account, canaries: Canaries, *, operator: dict[str, str]) -> None:
    """By an operator who looks for them and acts in their place, and by somebody who guesses at their password."""
    people = f"{AUTH}/administration/people"
    assert _done(api.get(people, params={"email": ada.email}, headers=operator))["items"]
    reason = {"reason": canaries.reason}
    _done(api.post(f"{people}/{ada.person_id}/impersonations", json=reason, headers=operator))
    assert api.post(f"{AUTH}/login", json={"email": ada.email, "password": "wrong"}).status_code == 401


def _take_along(own: httpx2.Client, ada: Account) -> dict[str, str]:
    asked = own.post(f"{AUTH}/me/exports", headers=ada.headers)
    _done(asked)
    job = eventually(lambda: _ended(_done(own.get(asked.headers["Location"], headers=ada.headers))))
    assert job["status"] == "succeeded", job
    answer = own.get(f"{job['result']['href']}/archive", headers=ada.headers)
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as bundle:
        return {name: bundle.read(name).decode() for name in bundle.namelist()}


def _ended(job: dict[str, Any]) -> dict[str, Any] | None:
    return None if job["status"] in {"queued", "running"} else job
