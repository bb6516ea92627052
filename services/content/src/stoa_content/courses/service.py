"""What can be done with courses. Other features add what they import, and ask who may see what."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from stoa_common import clock, outbox
from stoa_common.database import Session
from stoa_common.ids import new_id
from stoa_common.pages import Page, PageQuery
from stoa_common.security import Principal
from stoa_content.courses import domain
from stoa_content.courses.models import Chapter, Course, Lesson, Section
from stoa_content.courses.repository import CourseRepository, LessonNotFound, OutlineRow
from stoa_content.courses.schemas import ChapterOut, CourseOut, CourseOutlineOut, LessonLinkOut, SectionOut
from stoa_content.courses.status import Status, Visibility

#: Courses and their parts, for features that add to them.
__all__ = [
    "Chapter",
    "Course",
    "Section",
    "add_chapter",
    "add_course",
    "add_lesson",
    "add_section",
    "check_lesson",
    "find_public",
    "get_lesson",
    "get_open_course",
    "get_outline",
    "list_courses",
    "list_public",
    "may_read",
    "publish_course",
    "set_visibility",
]


async def list_courses(session: Session, window: PageQuery, *, reader: Principal) -> Page[CourseOut]:
    courses, following = await CourseRepository(session).list_visible(reader, window)
    return Page(items=[CourseOut.model_validate(course) for course in courses], next=following)


async def may_read(session: Session, course_id: UUID, *, reader: Principal) -> bool:
    return await CourseRepository(session).find(course_id, reader) is not None


async def get_open_course(session: Session, course_id: UUID, *, learner: Principal) -> Course:
    """The course, if it is published; raises CourseNotFound, or CourseIsDraft to those who may see drafts."""
    course = await CourseRepository(session).get(course_id, learner)
    domain.check_open(course)
    return course


async def list_public(
    session: Session, organization_id: UUID, window: PageQuery
) -> tuple[Sequence[Course], str | None]:
    """A page of the organization's courses that everybody may see, and where the next begins."""
    return await CourseRepository(session).list_public(organization_id, window)


async def find_public(
    session: Session, organization_id: UUID, course_id: UUID
) -> tuple[Course, Sequence[ChapterOut]] | None:
    """A course that everybody may see, and its chapters; None where there is none."""
    course = await CourseRepository(session).find_public(organization_id, course_id)
    return None if course is None else (course, await _chapters(session, course))


async def get_outline(session: Session, course_id: UUID, *, reader: Principal) -> CourseOutlineOut:
    course = await CourseRepository(session).get(course_id, reader)
    chapters = await _chapters(session, course)
    return CourseOutlineOut(**CourseOut.model_validate(course).model_dump(), chapters=chapters)


async def _chapters(session: Session, course: Course) -> list[ChapterOut]:
    return chapters_of(await CourseRepository(session).outline(course))


def chapters_of(rows: Sequence[OutlineRow]) -> list[ChapterOut]:
    """The chapters of rows in reading order, with what is below them."""
    chapters = groupby(rows, key=lambda row: row.chapter_id)
    return [_chapter(chapter_id, list(own)) for chapter_id, own in chapters if chapter_id is not None]


def _chapter(chapter_id: UUID, rows: Sequence[OutlineRow]) -> ChapterOut:
    below = groupby(rows, key=lambda row: row.section_id)
    sections = [_section(section_id, list(own)) for section_id, own in below if section_id is not None]
    return ChapterOut(id=chapter_id, title=rows[0].chapter_title, sections=sections)


def _section(section_id: UUID, rows: Sequence[OutlineRow]) -> SectionOut:
    lessons = [
        LessonLinkOut(id=row.lesson_id, title=row.lesson_title, position=row.position, quiz_id=row.quiz_id)
        for row in rows
        if row.lesson_id is not None
    ]
    return SectionOut(id=section_id, title=rows[0].section_title, lessons=lessons)


async def get_lesson(session: Session, course_id: UUID, lesson_id: UUID, *, reader: Principal) -> Lesson:
    return await CourseRepository(session).get_lesson(course_id, lesson_id, reader)


async def check_lesson(session: Session, course_id: UUID, lesson_id: UUID) -> None:
    """Raise LessonNotFound unless the lesson is one of the course."""
    if not await CourseRepository(session).has_lesson(course_id, lesson_id):
        raise LessonNotFound("The course has no such lesson.")


async def publish_course(session: Session, course_id: UUID, *, author: Principal) -> Course:
    """Open a draft to learners, and tell readers its lessons; raises CourseIsNotDraft, CourseIsEmpty."""
    courses = CourseRepository(session)
    # Locked, so that of two authors who publish at once one is told that it was done already.
    course = await courses.get(course_id, author, lock=True)
    for event in domain.publish(course, await courses.lessons(course), at=clock.now()):
        outbox.add(session, event)
    return course


async def set_visibility(session: Session, course_id: UUID, visibility: Visibility, *, author: Principal) -> Course:
    """Decide who sees the course once it is published; raises CourseNotFound."""
    course = await CourseRepository(session).get(course_id, author, lock=True)
    if event := domain.show_to(course, visibility, at=clock.now()):
        outbox.add(session, event)
    return course


def add_course(
    session: Session,
    *,
    organization_id: UUID,
    title: str,
    language: str,
    description: str,
    source_format: str,
    lesson_count: int,
    question_count: int,
    at: datetime,
) -> Course:
    """A new draft, without chapters yet."""
    course = Course(
        id=new_id(),
        organization_id=organization_id,
        title=title,
        language=language,
        description=description,
        status=Status.DRAFT,
        visibility=Visibility.ORGANIZATION,
        source_format=source_format,
        lesson_count=lesson_count,
        question_count=question_count,
        imported_at=at,
        published_at=None,
    )
    session.add(course)
    return course


def add_chapter(session: Session, course: Course, *, position: int, title: str) -> Chapter:
    chapter = Chapter(
        id=new_id(), organization_id=course.organization_id, course_id=course.id, position=position, title=title
    )
    session.add(chapter)
    return chapter


def add_section(session: Session, chapter: Chapter, *, position: int, title: str) -> Section:
    section = Section(
        id=new_id(),
        organization_id=chapter.organization_id,
        course_id=chapter.course_id,
        chapter_id=chapter.id,
        position=position,
        title=title,
    )
    session.add(section)
    return section


def add_lesson(
    session: Session,
    section: Section,
    *,
    position: int,
    title: str,
    text: str,
    videos: list[dict[str, Any]],
    quiz_id: UUID | None,
) -> Lesson:
    """A lesson in its first revision; `position` counts through the course."""
    lesson = Lesson(
        id=new_id(),
        organization_id=section.organization_id,
        course_id=section.course_id,
        section_id=section.id,
        position=position,
        title=title,
        revision=1,
        text=text,
        videos=videos,
        quiz_id=quiz_id,
    )
    session.add(lesson)
    return lesson
