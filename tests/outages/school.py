"""Who asks while parts are away: the author of a course, and a learner who may take its quiz as often as they like."""

import time
from dataclasses import dataclass
from typing import Any

import httpx2
from world import (
    LESSON,
    QUIZ,
    Account,
    archive,
    invite_learner,
    lessons_of,
    log_in,
    make_webhook,
    register,
    verify_email,
    wait_for_job,
)

from .models import Models
from .stage import Stage

CONTENT = "/api/v1/content"


@dataclass
class School:
    """People who are logged in, and what is asked for."""

    gateway: str
    owner: Account
    learner: Account
    course_id: str
    quiz_id: str
    webhook_id: str
    answers: list[dict[str, Any]]
    #: The owner of another organization, and what that shows to everybody.
    neighbor: Account
    neighbor_course_id: str
    #: What the tutor asks.
    models: Models

    def headers(self, who: str) -> dict[str, str]:
        """Of the owner or the learner; of nobody, none."""
        return {"owner": self.owner.headers, "learner": self.learner.headers}.get(who, {})

    def log_in_again(self) -> None:
        """A long run outlives access tokens."""
        with httpx2.Client(base_url=self.gateway, timeout=30) as api:
            self.owner = log_in(api, self.owner.email)
            self.learner = log_in(api, self.learner.email)


def make_school(stage: Stage) -> School:
    gateway = stage.platform.gateway
    with httpx2.Client(base_url=gateway, timeout=30) as api:
        owner, neighbor = register(api), register(api)
        verify_email(api, owner, stage.platform.stoa)
        course_id, neighbor_course_id = _published(api, owner), _published(api, neighbor)
        learner = invite_learner(api, owner)
        _ok(api.post(f"{CONTENT}/courses/{course_id}/enrollments", headers=learner.headers))
        course = _ok(api.get(f"{CONTENT}/courses/{course_id}", headers=learner.headers))
        quiz_id = next(lesson["quiz_id"] for lesson in lessons_of(course) if lesson["quiz_id"])
        quiz = _ok(api.get(f"{CONTENT}/quizzes/{quiz_id}", headers=learner.headers))
        answers = [_answered(question) for question in quiz["questions"]]
        webhook_id = make_webhook(api, owner)
        _wait_for_tutor(api, learner, course_id)
        shown = (course_id, quiz_id, webhook_id, answers)
        return School(gateway, owner, learner, *shown, neighbor, neighbor_course_id, stage.models)


def _wait_for_tutor(api: httpx2.Client, learner: Account, course_id: str) -> None:
    """Until it has read the course."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        answer = api.get(f"/api/v1/ai/courses/{course_id}", headers=learner.headers)
        if answer.is_success and answer.json()["ready"]:
            return
        time.sleep(0.2)
    raise TimeoutError("The tutor did not read the course.")


def _published(api: httpx2.Client, owner: Account) -> str:
    """A course for everybody, with a quiz without a limit of attempts."""
    body = archive(**{"01-lesson": LESSON, "02-quiz": QUIZ.replace("max_attempts: 5\n", "")})
    job = wait_for_job(
        api, owner, _ok(api.post(f"{CONTENT}/imports", content=body, headers=owner.headers))["id"], seconds=120
    )
    course = f"{CONTENT}/courses/{job['result']['id']}"
    _ok(api.post(f"{course}/publish", headers=owner.headers))
    _ok(api.put(f"{course}/visibility", json={"visibility": "public"}, headers=owner.headers))
    return str(job["result"]["id"])


def _answered(question: dict[str, Any]) -> dict[str, Any]:
    chosen = {"choices": [question["options"][0]["id"]]} if question["options"] else {"number": 4}
    return {"question_id": question["id"], **chosen}


def _ok(answer: httpx2.Response) -> Any:
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None
