"""When a course may be published, who sees it, and what is then true."""

from collections.abc import Sequence
from datetime import datetime

from stoa_common.errors import Conflict
from stoa_content.courses.models import Course, Lesson
from stoa_content.courses.status import Status, Visibility
from stoa_events.contract import Event
from stoa_events.contracts.content import CoursePublished, CourseVisibilityChanged, LessonPublished


class CourseIsNotDraft(Conflict):
    """Only a draft can be published."""


class CourseIsDraft(Conflict):
    """The course is not open to learners yet."""


class CourseIsEmpty(Conflict):
    """A course without lessons cannot be published."""


def publish(course: Course, lessons: Sequence[Lesson], *, at: datetime) -> list[Event]:
    """Open a draft to learners; the course's event comes first, then one a lesson, in reading order."""
    if course.status is not Status.DRAFT:
        raise CourseIsNotDraft(f"The course is already {course.status}; import a new one to change it.")
    if not lessons:
        raise CourseIsEmpty("Add a lesson before publishing.")

    course.status = Status.PUBLISHED
    course.published_at = at
    return [_course_published(course, at=at), *(_lesson_published(course, lesson, at=at) for lesson in lessons)]


def show_to(course: Course, visibility: Visibility, *, at: datetime) -> CourseVisibilityChanged | None:
    """Decide who sees the course once it is published; None where that is so already."""
    if course.visibility is visibility:
        return None

    course.visibility = visibility
    return CourseVisibilityChanged(
        course_id=course.id, organization_id=course.organization_id, visibility=visibility.value, changed_at=at
    )


def check_open(course: Course) -> None:
    """Raise CourseIsDraft unless learners may start the course."""
    if course.status is not Status.PUBLISHED:
        raise CourseIsDraft("Publish the course first; then learners can enroll.")


def _course_published(course: Course, *, at: datetime) -> CoursePublished:
    return CoursePublished(
        course_id=course.id,
        organization_id=course.organization_id,
        title=course.title,
        language=course.language,
        lesson_count=course.lesson_count,
        question_count=course.question_count,
        published_at=at,
    )


def _lesson_published(course: Course, lesson: Lesson, *, at: datetime) -> LessonPublished:
    return LessonPublished(
        course_id=course.id,
        organization_id=course.organization_id,
        lesson_id=lesson.id,
        revision=lesson.revision,
        position=lesson.position,
        title=lesson.title,
        text=lesson.text,
        published_at=at,
    )
