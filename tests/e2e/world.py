"""Two organizations: one with a course that a learner has taken, and one of a stranger."""

import io
import json
import secrets
import subprocess
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2

Stoa = Callable[..., subprocess.CompletedProcess[str]]
PASSWORD = secrets.token_urlsafe(16)
LESSON = """---
title: Event-driven systems
---
An outbox keeps what happened in the transaction that made it happen. A relay publishes it afterwards.
"""
QUIZ = """---
title: What you remember
kind: quiz
max_attempts: 5
---
## The outbox

Where does an event go first?

- (x) Into the outbox
- ( ) Into Kafka

## Two and two

How much is two and two?

= 4 +- 0.1
"""


@dataclass(frozen=True)
class Account:
    """A person who is logged in."""

    email: str
    person_id: str
    organization_id: str
    headers: dict[str, str]
    refresh_token: str


@dataclass(frozen=True)
class World:
    owner: Account
    learner: Account
    stranger: Account
    ids: dict[str, str]
    """An example for every path parameter of the API: what belongs to the owner's organization."""


def register(api: httpx2.Client, *, invitation: str | None = None) -> Account:
    email = f"{secrets.token_hex(8)}@example.com"
    body = {"email": email, "password": PASSWORD, "name": "Ada"} | ({"invitation": invitation} if invitation else {})
    accepted = api.post("/api/v1/auth/register", json=body)
    assert accepted.status_code == 202, accepted.text
    return log_in(api, email)


def log_in(api: httpx2.Client, email: str, password: str = PASSWORD) -> Account:
    answer = api.post("/api/v1/auth/login", json={"email": email, "password": password})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    headers = {"Authorization": f"Bearer {told['access_token']}"}
    return Account(email, told["person_id"], told["organization_id"], headers, told["refresh_token"])


def archive(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        bundle.writestr("course.md", "---\ntitle: A course for tests\nlanguage: en\n---\n")
        for name, text in files.items():
            bundle.writestr(f"01-start/{name}.md", text)
    return buffer.getvalue()


def import_course(api: httpx2.Client, account: Account) -> tuple[str, str]:
    """The ids of the job and of the course that it made."""
    body = archive(**{"01-lesson": LESSON, "02-quiz": QUIZ})
    accepted = api.post("/api/v1/content/imports", content=body, headers=account.headers)
    assert accepted.status_code == 202, accepted.text
    job = wait_for_job(api, account, accepted.json()["id"])
    assert job["status"] == "succeeded", job
    return job["id"], job["result"]["id"]


def wait_for_job(
    api: httpx2.Client, account: Account, job_id: str, *, service: str = "content", seconds: float = 60
) -> dict[str, Any]:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        job: dict[str, Any] = api.get(f"/api/v1/{service}/jobs/{job_id}", headers=account.headers).json()
        if job["status"] not in {"queued", "running"}:
            return job
        time.sleep(0.1)
    raise TimeoutError(f"The job {job_id} did not end in {seconds} s.")


def begin_authenticator(api: httpx2.Client, account: Account) -> str:
    """The id of an authenticator app that is being set up: it counts for nothing yet."""
    begun = api.post("/api/v1/auth/factors/authenticators", json={}, headers=account.headers)
    assert begun.status_code == 201, begun.text
    return str(begun.json()["id"])


def take_quiz(api: httpx2.Client, account: Account, quiz_id: str) -> dict[str, Any]:
    """Answer every question: the first option, or four."""
    quiz = api.get(f"/api/v1/content/quizzes/{quiz_id}", headers=account.headers).json()
    answers = [
        {"question_id": q["id"], **({"choices": [q["options"][0]["id"]]} if q["options"] else {"number": 4})}
        for q in quiz["questions"]
    ]
    path = f"/api/v1/content/quizzes/{quiz_id}/attempts"
    graded = api.post(path, json={"answers": answers}, headers=account.headers)
    assert graded.status_code == 201, graded.text
    told: dict[str, Any] = graded.json()
    return told


def verify_email(api: httpx2.Client, account: Account, stoa: Stoa) -> None:
    """Read the mail that the platform keeps, as its owner would."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        shown = stoa("mail", "show", "--to", account.email, "--json")
        if shown.returncode == 0:
            answer = api.post("/api/v1/auth/verify-email", json={"token": json.loads(shown.stdout)["token"]})
            assert answer.status_code == 204, answer.text
            return
        time.sleep(0.5)
    raise TimeoutError(f"No mail came: {shown.stderr}")


def invite_learner(api: httpx2.Client, owner: Account) -> Account:
    path = f"/api/v1/auth/organizations/{owner.organization_id}/invitations"
    body = {"roles": ["learner"], "max_uses": 1, "expires_in_hours": 1}
    invited = api.post(path, json=body, headers=owner.headers)
    assert invited.status_code == 201, invited.text
    return register(api, invitation=invited.json()["token"])


def lessons_of(course: dict[str, Any]) -> list[dict[str, Any]]:
    return [lesson for c in course["chapters"] for s in c["sections"] for lesson in s["lessons"]]


def make_webhook(api: httpx2.Client, owner: Account) -> str:
    """Disabled, since its address is not ours."""
    body = {"url": "https://1.1.1.1/", "is_enabled": False}
    made = api.post("/api/v1/feed/webhooks", json=body, headers=owner.headers)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def make_api_key(api: httpx2.Client, owner: Account) -> str:
    body = {"name": "For tests", "scopes": ["course:read"]}
    made = api.post("/api/v1/auth/api-keys", json=body, headers=owner.headers)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def make_client(api: httpx2.Client, account: Account) -> str:
    """An OAuth client of their organization."""
    wanted = {"name": "Reports", "scopes": ["course:read"], "grants": ["client_credentials"], "redirect_uris": []}
    made = api.post("/api/v1/auth/clients", json=wanted, headers=account.headers)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def make_scim_user(api: httpx2.Client, owner: Account) -> str:
    """A user of the directory of their organization, whom no mail reaches."""
    wanted = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": secrets.token_hex(8)}
    made = api.post("/scim/v2/Users", json=wanted, headers=owner.headers)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def make_scim_group(api: httpx2.Client, owner: Account) -> str:
    """A group of the directory of their organization."""
    wanted = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Learners"}
    made = api.post("/scim/v2/Groups", json=wanted, headers=owner.headers)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def make_world(api: httpx2.Client, stoa: Stoa) -> World:
    owner, stranger = register(api), register(api)
    verify_email(api, owner, stoa)
    job_id, course_id = import_course(api, owner)
    published = api.post(f"/api/v1/content/courses/{course_id}/publish", headers=owner.headers)
    assert published.status_code == 200, published.text
    learner = invite_learner(api, owner)
    enrolled = api.post(f"/api/v1/content/courses/{course_id}/enrollments", headers=learner.headers)
    course = api.get(f"/api/v1/content/courses/{course_id}", headers=learner.headers).json()
    lessons = lessons_of(course)
    quiz_id = next(lesson["quiz_id"] for lesson in lessons if lesson["quiz_id"])
    attempt = take_quiz(api, learner, quiz_id)
    webhook_id = make_webhook(api, owner)
    ids = {
        "organization_id": owner.organization_id,
        "person_id": learner.person_id,
        "job_id": job_id,
        "course_id": course_id,
        "lesson_id": lessons[0]["id"],
        "enrollment_id": enrolled.json()["id"],
        "quiz_id": quiz_id,
        "attempt_id": attempt["id"],
        "webhook_id": webhook_id,
        "api_key_id": make_api_key(api, owner),
        "client_id": make_client(api, owner),
        "factor_id": begin_authenticator(api, owner),
        "user_id": make_scim_user(api, owner),
        "group_id": make_scim_group(api, owner),
        "session_id": api.get("/api/v1/auth/sessions", headers=owner.headers).json()["items"][0]["id"],
        # A real one would be sent to that address; whoever is refused here is refused at the webhook.
        "delivery_id": webhook_id,
    }
    return World(owner, learner, stranger, ids)
