"""What people see over HTTP, and what they don't."""

import math
import statistics
from typing import Any
from uuid import UUID

import httpx2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stoa_common import clock
from stoa_common.ids import new_id
from stoa_common.testing import Identities
from stoa_events.contracts import UserLoggedIn

from .conftest import Course, Intake

SUMMARY = "/api/v1/analytics/events/summary"


def path(course: Course) -> str:
    return f"/api/v1/analytics/courses/{course.course_id}"


def author_of(course: Course, identities: Identities) -> dict[str, str]:
    return identities.headers(identities.principal("author", organization_id=course.organization_id))


async def test_a_course_in_numbers(
    client: httpx2.AsyncClient, intake: Intake, course: Course, identities: Identities
) -> None:
    ada, ben, cem = new_id(), new_id(), new_id()
    before = clock.now()
    await intake.take(course.published(), *(course.enrolled(person) for person in (ada, ben, cem)))
    await intake.take(course.lesson_completed(ada, 0.5), course.lesson_completed(ada, 1.0), course.completed(ada))
    await intake.take(course.lesson_completed(ben, 0.5))
    await intake.take(course.graded(ada, 1.0, 1.0, 1.0), course.graded(ben, 1.0, 0.5, 0.0))

    answer = await client.get(path(course), headers=author_of(course, identities))

    dashboard = answer.json()
    assert answer.status_code == 200
    assert dashboard | {"score_distribution": [], "hardest_questions": [], "updated_at": ""} == {
        "course_id": str(course.course_id),
        "learners": 3,
        "attempts": 2,
        "mean_score": 0.75,
        "completion": 1 / 3,
        "mean_progress": 0.5,
        "score_distribution": [],
        "hardest_questions": [],
        "updated_at": "",
    }
    assert before.isoformat() <= dashboard["updated_at"].replace("Z", "+00:00")
    counts = {bucket["low"]: bucket["count"] for bucket in dashboard["score_distribution"] if bucket["count"]}
    assert counts == {0.5: 1, 0.9: 1}
    assert [(q["title"], q["answers"], q["mean_score"]) for q in dashboard["hardest_questions"]] == [
        ("Question 3", 2, 0.5),
        ("Question 2", 2, 0.75),
        ("Question 1", 2, 1.0),
    ]


async def test_the_mean_agrees_to_the_last_bit_with_what_learners_were_told(
    client: httpx2.AsyncClient, intake: Intake, course: Course, identities: Identities
) -> None:
    attempts = [course.graded(new_id(), *(n % k == 0 for k in (2, 3, 7))) for n in range(40)]
    told = [attempt.score for attempt in attempts]
    for start in range(0, 40, 9):
        await intake.hand_over(intake.records(*attempts[start : start + 9]))

    answer = await client.get(path(course), headers=author_of(course, identities))

    assert answer.json()["mean_score"] == statistics.fmean(told) == math.fsum(told) / 40


async def test_a_course_that_nobody_took_yet_has_no_mean(
    client: httpx2.AsyncClient, intake: Intake, course: Course, identities: Identities
) -> None:
    await intake.take(course.published())

    dashboard = (await client.get(path(course), headers=author_of(course, identities))).json()

    assert (dashboard["learners"], dashboard["attempts"]) == (0, 0)
    assert dashboard["mean_score"] is dashboard["completion"] is dashboard["mean_progress"] is None
    assert dashboard["hardest_questions"] == []


async def test_a_renamed_question_shows_its_latest_title(
    client: httpx2.AsyncClient, intake: Intake, course: Course, identities: Identities
) -> None:
    before, after = course.graded(new_id(), 0.0), course.graded(new_id(), 0.5)
    renamed = after.questions[0].model_copy(update={"title": "Spring tides"})
    await intake.take(before, after.model_copy(update={"questions": [renamed]}))

    dashboard = (await client.get(path(course), headers=author_of(course, identities))).json()

    [question] = dashboard["hardest_questions"]
    assert (question["title"], question["answers"]) == ("Spring tides", 2)


async def test_another_organizations_course_is_not_found(
    client: httpx2.AsyncClient, intake: Intake, course: Course, identities: Identities
) -> None:
    await intake.take(course.published(), course.graded(new_id(), 1.0))

    stranger = await client.get(path(course), headers=author_of(Course(), identities))
    nowhere = await client.get(path(Course()), headers=author_of(course, identities))

    assert (stranger.status_code, nowhere.status_code) == (404, 404)
    assert stranger.json()["type"] == nowhere.json()["type"] == "urn:stoa:problem:course-is-unknown"


async def test_a_learner_may_not_see_dashboards(
    client: httpx2.AsyncClient, intake: Intake, course: Course, identities: Identities
) -> None:
    await intake.take(course.published())
    learner = identities.headers(identities.principal("learner", organization_id=course.organization_id))

    answers = [await client.get(url, headers=learner) for url in (path(course), SUMMARY)]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert (await client.get(SUMMARY)).status_code == 401


async def test_what_is_no_id_is_told_so(client: httpx2.AsyncClient, identities: Identities) -> None:
    headers = identities.headers(identities.principal("author"))

    answer = await client.get("/api/v1/analytics/courses/x' OR 1=1", headers=headers)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_summary_counts_the_organizations_events_only(
    client: httpx2.AsyncClient, intake: Intake, course: Course, identities: Identities
) -> None:
    await intake.take(course.published(), course.enrolled(new_id()), course.enrolled(new_id()))
    await intake.take(
        Course().published(), UserLoggedIn(person_id=new_id(), session_id=new_id(), logged_in_at=clock.now())
    )

    summary = (await client.get(SUMMARY, headers=author_of(course, identities))).json()

    assert summary == {
        "items": [
            {"topic": "content.course", "type": "stoa.content.course.published.v1", "count": 1},
            {"topic": "content.enrollment", "type": "stoa.content.enrollment.created.v1", "count": 2},
        ],
        "total": 3,
    }


async def test_an_operator_sees_the_platforms_counts_but_no_course(
    client: httpx2.AsyncClient, intake: Intake, course: Course, identities: Identities
) -> None:
    operator = identities.headers(identities.principal("operator"))
    before = (await client.get(SUMMARY, headers=operator)).json()["total"]
    await intake.take(course.published(), Course().published())
    await intake.take(UserLoggedIn(person_id=new_id(), session_id=new_id(), logged_in_at=clock.now()))

    after = (await client.get(SUMMARY, headers=operator)).json()

    assert after["total"] == before + 3
    assert "auth.user" in {item["topic"] for item in after["items"]}
    assert (await client.get(path(course), headers=operator)).status_code == 403


STEPS = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 3), st.sampled_from(["enrolled", "completed", "graded"])), max_size=12
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_two_organizations_with_a_course_of_one_id_never_see_each_other(
    client: httpx2.AsyncClient, intake: Intake, identities: Identities, steps: list[tuple[int, int, str]]
) -> None:
    # The same course id and the same people in both: only the tenant filter keeps them apart.
    ours, theirs = Course(), Course()
    theirs.course_id, theirs.questions = ours.course_id, ours.questions
    people = [new_id() for _ in range(4)]
    steps = [(0, 0, "enrolled"), (1, 0, "enrolled"), *steps]
    for side, person, kind in steps:
        await intake.take(an_event((ours, theirs)[side], kind, people[person], score=float(side)))

    seen = [(await client.get(path(c), headers=author_of(c, identities))).json() for c in (ours, theirs)]

    own = [[(person, kind) for side, person, kind in steps if side == mine] for mine in (0, 1)]
    assert [s["attempts"] for s in seen] == [sum(kind == "graded" for _, kind in events) for events in own]
    assert [s["learners"] for s in seen] == [len({p for p, kind in events if kind != "graded"}) for events in own]
    assert all(s["mean_score"] in (None, float(side)) for side, s in enumerate(seen))


def an_event(course: Course, kind: str, person: UUID, *, score: float) -> Any:
    return course.graded(person, score) if kind == "graded" else getattr(course, kind)(person)
