"""Courses over HTTP: who sees what, and what publishing tells the world."""

import asyncio
from uuid import UUID

from content_people import ImportCourse, Someone
from content_samples import MARKDOWN, OLX, gzipped, zipped

from stoa_common.ids import new_id
from stoa_common.testing.delivery import Delivery
from stoa_events.contracts.content import CoursePublished, LessonPublished


async def _first_lesson(someone: Someone, course_id: str, title: str) -> dict[str, str]:
    course = (await someone.get(f"/courses/{course_id}")).json()
    lessons = [each for c in course["chapters"] for s in c["sections"] for each in s["lessons"]]
    return next(each for each in lessons if each["title"] == title)


async def test_learners_find_a_course_once_it_is_published(
    author: Someone, learner: Someone, import_course: ImportCourse
) -> None:
    course_id = await import_course()
    assert (await learner.get("/courses")).json()["items"] == []
    assert (await learner.get(f"/courses/{course_id}")).status_code == 404

    published = await author.post(f"/courses/{course_id}/publish")

    assert (published.status_code, published.json()["status"]) == (200, "published")
    assert [course["id"] for course in (await learner.get("/courses")).json()["items"]] == [course_id]
    assert (await learner.get(f"/courses/{course_id}")).status_code == 200


async def test_publishing_records_the_course_and_each_lesson_in_order(
    delivery: Delivery, organization_id: UUID, publish_course: ImportCourse
) -> None:
    course_id = await publish_course()

    (course,) = await delivery.recorded(CoursePublished, organization_id=organization_id)
    lessons = await delivery.recorded(LessonPublished, organization_id=organization_id)

    assert (str(course.course_id), course.lesson_count, course.question_count) == (course_id, 3, 4)
    assert [lesson.position for lesson in lessons] == [0, 1, 2]
    assert [lesson.title for lesson in lessons] == ["Why leaves are green", "What plants are", "Tubers"]


async def test_a_lesson_reads_as_its_event_says(
    delivery: Delivery, learner: Someone, organization_id: UUID, publish_course: ImportCourse
) -> None:
    course_id = await publish_course()
    link = await _first_lesson(learner, course_id, "What plants are")

    lesson = (await learner.get(f"/courses/{course_id}/lessons/{link['id']}")).json()

    events = await delivery.recorded(LessonPublished, organization_id=organization_id)
    event = next(each for each in events if str(each.lesson_id) == lesson["id"])
    assert (lesson["text"], lesson["revision"], lesson["title"]) == (event.text, event.revision, event.title)
    assert lesson["quiz_id"] == link["quiz_id"]


async def test_a_published_text_holds_prompts_and_no_keys(
    delivery: Delivery, organization_id: UUID, publish_course: ImportCourse
) -> None:
    await publish_course()

    texts = "\n".join(each.text for each in await delivery.recorded(LessonPublished, organization_id=organization_id))

    assert "## A vegetable\n\nWhich of these is a vegetable?" in texts
    for secret in ("Think of seeds", "tuber.", "(x)", "Chlorophyll", "10%", "{{"):
        assert secret not in texts


async def test_a_course_is_published_once(author: Someone, import_course: ImportCourse) -> None:
    course_id = await import_course()

    answers = await asyncio.gather(*(author.post(f"/courses/{course_id}/publish") for _ in range(4)))

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json()["type"] == "urn:stoa:problem:course-is-not-draft"


async def test_learners_publish_nothing(learner: Someone, import_course: ImportCourse) -> None:
    course_id = await import_course()

    assert (await learner.post(f"/courses/{course_id}/publish")).status_code == 403


async def test_strangers_find_nothing(stranger: Someone, learner: Someone, publish_course: ImportCourse) -> None:
    course_id = await publish_course()
    lesson = await _first_lesson(learner, course_id, "What plants are")

    assert (await stranger.get("/courses")).json()["items"] == []
    for path in (
        f"/courses/{course_id}",
        f"/courses/{course_id}/lessons/{lesson['id']}",
        f"/quizzes/{lesson['quiz_id']}",
    ):
        assert (await stranger.get(path)).status_code == 404
    for path in (f"/courses/{course_id}/publish", f"/courses/{course_id}/enrollments"):
        assert (await stranger.post(path)).status_code == 404


async def test_the_list_goes_on_page_by_page(author: Someone, import_course: ImportCourse) -> None:
    ids = [await import_course() for _ in range(3)]

    first = (await author.get("/courses", limit=2)).json()
    second = (await author.get("/courses", limit=2, after=first["next"])).json()

    assert [course["id"] for course in first["items"] + second["items"]] == ids
    assert second["next"] is None


async def test_a_lesson_of_another_course_is_not_found(learner: Someone, publish_course: ImportCourse) -> None:
    course_id, other_id = await publish_course(), await publish_course(gzipped(OLX))
    lesson = await _first_lesson(learner, course_id, "Tubers")

    assert (await learner.get(f"/courses/{other_id}/lessons/{lesson['id']}")).status_code == 404
    assert (await learner.get(f"/courses/{course_id}/lessons/{new_id()}")).status_code == 404


async def test_an_olx_lesson_has_its_video_and_its_quiz(learner: Someone, publish_course: ImportCourse) -> None:
    course_id = await publish_course(gzipped(OLX))
    link = await _first_lesson(learner, course_id, "Green")

    lesson = (await learner.get(f"/courses/{course_id}/lessons/{link['id']}")).json()

    assert lesson["videos"] == [{"title": "A film", "url": "https://www.youtube.com/watch?v=abc123"}]
    assert lesson["text"].startswith("# Green\n\n## Why green?\n\nLeaves hold **chlorophyll**.")
    assert "alert" not in lesson["text"]
    assert lesson["quiz_id"]


async def test_the_same_course_may_come_in_twice(author: Someone, import_course: ImportCourse) -> None:
    archive = zipped(MARKDOWN)

    first, second = await import_course(archive), await import_course(archive)

    assert first != second
    assert len((await author.get("/courses")).json()["items"]) == 2
