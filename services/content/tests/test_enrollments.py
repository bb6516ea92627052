"""Learners enroll, complete lessons, and see how far they are."""

import asyncio
from uuid import UUID

import pytest
from content_people import ImportCourse, MakeSomeone, Someone

from stoa_common.ids import new_id
from stoa_common.testing.delivery import Delivery
from stoa_events.contracts.content import CourseCompleted, LearnerEnrolled, LessonCompleted


async def _lessons(someone: Someone, course_id: str) -> list[str]:
    course = (await someone.get(f"/courses/{course_id}")).json()
    return [lesson["id"] for c in course["chapters"] for s in c["sections"] for lesson in s["lessons"]]


async def _enroll(someone: Someone, course_id: str) -> str:
    answer = await someone.post(f"/courses/{course_id}/enrollments")
    return str(answer.json()["id"])


async def test_enrolling_starts_at_nothing(learner: Someone, publish_course: ImportCourse) -> None:
    course_id = await publish_course()

    answer = await learner.post(f"/courses/{course_id}/enrollments")

    assert answer.status_code == 201
    enrollment = answer.json()
    assert (enrollment["course_id"], enrollment["person_id"]) == (course_id, str(learner.person_id))
    assert (enrollment["progress"], enrollment["completed_at"]) == (0, None)


async def test_enrolling_again_gives_the_same_enrollment(
    delivery: Delivery, learner: Someone, publish_course: ImportCourse
) -> None:
    course_id = await publish_course()

    answers = await asyncio.gather(*(learner.post(f"/courses/{course_id}/enrollments") for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 200, 201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await delivery.recorded(LearnerEnrolled, person_id=learner.person_id)) == 1


async def test_nobody_enrolls_in_a_draft(author: Someone, learner: Someone, import_course: ImportCourse) -> None:
    course_id = await import_course()

    assert (await learner.post(f"/courses/{course_id}/enrollments")).status_code == 404
    refused = await author.post(f"/courses/{course_id}/enrollments")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:stoa:problem:course-is-draft")


async def test_progress_grows_lesson_by_lesson_to_the_whole_course(
    delivery: Delivery, learner: Someone, publish_course: ImportCourse
) -> None:
    course_id = await publish_course()
    enrollment_id, lessons = await _enroll(learner, course_id), await _lessons(learner, course_id)

    told = [
        (await learner.post(f"/enrollments/{enrollment_id}/lessons/{lesson}/completion")).json() for lesson in lessons
    ]

    assert [enrollment["progress"] for enrollment in told] == [pytest.approx(n / 3, abs=1e-5) for n in (1, 2, 3)]
    assert told[-1]["progress"] == 1
    assert told[-1]["completed_at"]
    assert told[-1]["completed_lesson_ids"] == lessons
    recorded = await delivery.recorded(LessonCompleted, person_id=learner.person_id)
    assert [str(event.lesson_id) for event in recorded] == lessons
    assert len(await delivery.recorded(CourseCompleted, person_id=learner.person_id)) == 1


async def test_completing_a_lesson_again_changes_nothing(
    delivery: Delivery, learner: Someone, publish_course: ImportCourse
) -> None:
    course_id = await publish_course()
    enrollment_id, (lesson, *_) = await _enroll(learner, course_id), await _lessons(learner, course_id)
    path = f"/enrollments/{enrollment_id}/lessons/{lesson}/completion"

    answers = await asyncio.gather(*(learner.post(path) for _ in range(6)))

    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["completed_count"] for answer in answers} == {1}
    assert len(await delivery.recorded(LessonCompleted, person_id=learner.person_id)) == 1


async def test_a_lesson_of_no_course_of_theirs_is_not_completed(learner: Someone, publish_course: ImportCourse) -> None:
    course_id, other_id = await publish_course(), await publish_course()
    enrollment_id, (foreign, *_) = await _enroll(learner, course_id), await _lessons(learner, other_id)

    for lesson in (foreign, new_id()):
        answer = await learner.post(f"/enrollments/{enrollment_id}/lessons/{lesson}/completion")
        assert answer.status_code == 404


async def test_an_enrollment_is_its_learners_to_read_and_the_authors(
    author: Someone, learner: Someone, stranger: Someone, someone: MakeSomeone, publish_course: ImportCourse
) -> None:
    course_id = await publish_course()
    enrollment_id = await _enroll(learner, course_id)
    path = f"/enrollments/{enrollment_id}"

    assert (await learner.get(path)).status_code == 200
    assert (await author.get(path)).status_code == 200
    assert (await someone("learner").get(path)).status_code == 404
    assert (await stranger.get(path)).status_code == 404


async def test_only_the_learner_completes_lessons(
    author: Someone, learner: Someone, someone: MakeSomeone, publish_course: ImportCourse
) -> None:
    course_id = await publish_course()
    enrollment_id, (lesson, *_) = await _enroll(learner, course_id), await _lessons(learner, course_id)
    path = f"/enrollments/{enrollment_id}/lessons/{lesson}/completion"

    assert (await author.post(path)).status_code == 403
    assert (await someone("learner").post(path)).status_code == 404
    assert (await learner.get(f"/enrollments/{enrollment_id}")).json()["progress"] == 0


async def test_learners_list_their_own_enrollments_and_authors_all(
    author: Someone, learner: Someone, someone: MakeSomeone, publish_course: ImportCourse
) -> None:
    course_id, other_id = await publish_course(), await publish_course()
    own = {await _enroll(learner, course_id), await _enroll(learner, other_id)}
    others = {await _enroll(someone("learner"), course_id)}

    assert _ids(await _list(learner)) == own
    assert _ids(await _list(author)) == own | others
    assert _ids(await _list(author, course_id=other_id)) == own & _ids(await _list(learner, course_id=other_id))


async def _list(someone: Someone, **filters: str | UUID) -> list[dict[str, str]]:
    items: list[dict[str, str]] = (await someone.get("/enrollments", **filters)).json()["items"]
    return items


def _ids(items: list[dict[str, str]]) -> set[str]:
    return {item["id"] for item in items}
