"""The thin path through all services, as a client walks it."""

import json
import time

import httpx2
import pytest
from dirty_equals import IsPartialDict
from world import World, archive, register, take_quiz


def test_a_published_lesson_is_answered_from_with_exact_citations(api: httpx2.Client, world: World) -> None:
    course = f"/api/v1/ai/courses/{world.ids['course_id']}"
    until = time.monotonic() + 60
    while not api.get(course, headers=world.learner.headers).json().get("ready") and time.monotonic() < until:
        time.sleep(0.2)
    body = {"course_id": world.ids["course_id"], "question": "Where does the outbox keep what happened?"}

    with api.stream("POST", "/api/v1/ai/ask", json=body, headers=world.learner.headers) as answer:
        lines = [line for line in answer.iter_lines() if line]

    names = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    data = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    citations = [told for name, told in zip(names, data, strict=True) if name == "citation"]
    assert names[-1] == "done"
    assert data[-1] == IsPartialDict(found=True, generated_by="extractive")
    assert citations
    for cited in citations:
        path = f"/api/v1/content/courses/{world.ids['course_id']}/lessons/{cited['lesson_id']}"
        text = api.get(path, headers=world.learner.headers).json()["text"]
        assert text[cited["start"] : cited["end"]] == cited["quote"]


def test_a_question_that_nothing_answers_is_honestly_not_found(api: httpx2.Client, world: World) -> None:
    body = {"course_id": world.ids["course_id"], "question": "Who won the football championship of 1954?"}
    headers = world.learner.headers | {"Accept": "application/json"}

    answer = api.post("/api/v1/ai/ask", json=body, headers=headers).json()

    assert answer == IsPartialDict(found=False, citations=[])


def test_a_quiz_never_shows_its_keys_before_an_attempt(api: httpx2.Client, world: World) -> None:
    quiz = api.get(f"/api/v1/content/quizzes/{world.ids['quiz_id']}", headers=world.learner.headers)

    assert quiz.status_code == 200
    for secret in ("correct", "solution", "hint", "tolerance", "key", "feedback"):
        assert f'"{secret}' not in quiz.text


def test_the_dashboard_says_what_the_learners_were_told(api: httpx2.Client, world: World) -> None:
    take_quiz(api, world.learner, world.ids["quiz_id"])
    path = f"/api/v1/content/quizzes/{world.ids['quiz_id']}/attempts"
    told = api.get(path, headers=world.owner.headers).json()["items"]
    mean = sum(attempt["score"] for attempt in told) / len(told)

    until = time.monotonic() + 30
    while time.monotonic() < until:
        path = f"/api/v1/analytics/courses/{world.ids['course_id']}"
        board = api.get(path, headers=world.owner.headers).json()
        if board.get("attempts") == len(told):
            break
        time.sleep(0.2)

    enrolled = api.get(
        "/api/v1/content/enrollments", params={"course_id": world.ids["course_id"]}, headers=world.owner.headers
    ).json()["items"]
    assert board == IsPartialDict(learners=len({one["person_id"] for one in enrolled}), attempts=len(told))
    assert board["mean_score"] == pytest.approx(mean)


def test_the_feed_has_the_organizations_events_in_order(api: httpx2.Client, world: World) -> None:
    until = time.monotonic() + 30
    types: list[str] = []
    while time.monotonic() < until and "stoa.content.attempt.graded.v1" not in types:
        feed = api.get("/api/v1/feed/events", params={"limit": 200}, headers=world.owner.headers).json()
        types = [event["type"] for event in feed["items"]]
        time.sleep(0.2)

    assert types.index("stoa.auth.organization.created.v1") < types.index("stoa.auth.organization.member-joined.v1")
    assert types.index("stoa.content.course.imported.v1") < types.index("stoa.content.course.published.v1")
    assert not [kind for kind in types if kind.startswith("stoa.auth.user.")]


def test_fifty_parallel_imports_with_one_key_make_one_job(api: httpx2.Client) -> None:
    from concurrent.futures import ThreadPoolExecutor

    author = register(api)
    body = archive(**{"01-lesson": "---\ntitle: One\n---\nA sentence about one thing.\n"})
    headers = author.headers | {"Idempotency-Key": "the-same-import"}

    with ThreadPoolExecutor(50) as pool:
        answers = list(
            pool.map(lambda _: api.post("/api/v1/content/imports", content=body, headers=headers), range(50))
        )

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    other = api.post("/api/v1/content/imports", content=body + b"\0", headers=headers)
    assert other.status_code == 422


def test_the_document_and_its_pages_are_served(api: httpx2.Client) -> None:
    document, pages = api.get("/openapi.json"), api.get("/docs")

    assert document.json()["openapi"].startswith("3.1")
    assert pages.status_code == 200
    assert "text/html" in pages.headers["content-type"]


def test_registering_says_the_same_whoever_exists(api: httpx2.Client, world: World) -> None:
    new = {"email": "nobody.yet@example.com", "password": "a long enough one 9!"}
    known = {"email": world.learner.email, "password": "a long enough one 9!"}

    first, second = (api.post("/api/v1/auth/register", json=body) for body in (new, known))

    assert (first.status_code, first.content) == (second.status_code, second.content)
