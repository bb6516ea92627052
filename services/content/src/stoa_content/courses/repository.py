"""Queries on courses; the caller's organization, and whether they may see drafts, are part of each."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Select, and_, bindparam, select

from stoa_common import pages
from stoa_common.database import Session
from stoa_common.errors import NotFound
from stoa_common.pages import PageQuery
from stoa_common.security import Principal
from stoa_content.courses.models import Chapter, Course, Lesson, Section
from stoa_content.courses.status import Status, Visibility


class CourseNotFound(NotFound):
    """There is no such course, or the caller may not see it."""


class LessonNotFound(NotFound):
    """The course has no such lesson, or the caller may not see it."""


class OutlineRow(NamedTuple):
    """A lesson with what stands above it; whatever has nothing below it has a row of its own, without a lesson."""

    chapter_id: UUID | None
    chapter_title: str | None
    section_id: UUID | None
    section_title: str | None
    lesson_id: UUID | None
    lesson_title: str | None
    position: int | None
    quiz_id: UUID | None


Rows = Select[*tuple[Any, ...]]
_OUTLINE: Final = (
    *(Chapter.id, Chapter.title),
    *(Section.id, Section.title),
    *(Lesson.id, Lesson.title, Lesson.position, Lesson.quiz_id),
)


class CourseRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, course_id: UUID, caller: Principal, *, lock: bool = False) -> Course:
        """The course, if the caller may see it; raises CourseNotFound."""
        course = await self.find(course_id, caller, lock=lock)
        if course is None:
            raise CourseNotFound("There is no such course.")
        return course

    async def find(self, course_id: UUID, caller: Principal, *, lock: bool = False) -> Course | None:
        query = select(Course).where(Course.id == course_id, *_visible(caller))
        return await self._session.scalar(query.with_for_update() if lock else query)

    async def list_visible(self, caller: Principal, window: PageQuery) -> tuple[Sequence[Course], str | None]:
        return await pages.page(self._session, select(Course).where(*_visible(caller)), by=[Course.id], window=window)

    async def list_public(self, organization_id: UUID, window: PageQuery) -> tuple[Sequence[Course], str | None]:
        """What everybody may see of the organization."""
        query = select(Course).where(*_public(organization_id))
        return await pages.page(self._session, query, by=[Course.id], window=window)

    async def find_public(self, organization_id: UUID, course_id: UUID) -> Course | None:
        return await self._session.scalar(select(Course).where(Course.id == course_id, *_public(organization_id)))

    async def get_lesson(self, course_id: UUID, lesson_id: UUID, caller: Principal) -> Lesson:
        """The lesson, if the caller may see its course; raises LessonNotFound."""
        query = select(Lesson).join(Course, Course.id == Lesson.course_id)
        query = query.where(Lesson.id == lesson_id, Lesson.course_id == course_id, *_visible(caller))
        lesson = await self._session.scalar(query)
        if lesson is None:
            raise LessonNotFound("The course has no such lesson.")
        return lesson

    async def has_lesson(self, course_id: UUID, lesson_id: UUID) -> bool:
        query = select(Lesson.id).where(Lesson.id == lesson_id, Lesson.course_id == course_id)
        return await self._session.scalar(query) is not None

    async def lessons(self, course: Course) -> Sequence[Lesson]:
        query = select(Lesson).where(Lesson.course_id == course.id, Lesson.organization_id == course.organization_id)
        return (await self._session.scalars(query.order_by(Lesson.position))).all()

    async def outline(self, course: Course) -> Sequence[OutlineRow]:
        """In reading order, a row for each lesson, and one for each section or chapter that has nothing below it.

        One statement, without the lessons' texts: a course is read far more often than anything else of it.
        """
        own = and_(Chapter.course_id == course.id, Chapter.organization_id == course.organization_id)
        query = _in_reading_order(select(*_OUTLINE).where(own), course.id)
        return [OutlineRow._make(row) for row in await self._session.execute(query)]


def _public(organization_id: UUID) -> list[ColumnElement[bool]]:
    return [
        Course.organization_id == organization_id,
        Course.status == Status.PUBLISHED,
        Course.visibility == Visibility.PUBLIC,
    ]


def _visible(caller: Principal) -> list[ColumnElement[bool]]:
    own = Course.organization_id == caller.organization_id
    return [own] if sees_drafts(caller) else [own, Course.status == Status.PUBLISHED]


def sees_drafts(caller: Principal) -> bool:
    """Whether courses that are not published yet are there for the caller."""
    return caller.may("course:write")


def course_with_outline(fields: Sequence[str], *, drafts: bool) -> Rows:
    """These fields of the course `course_id` of `organization_id`, and behind them an `OutlineRow`, in each row."""
    course_id: BindParameter[UUID] = bindparam("course_id")
    organization_id: BindParameter[UUID] = bindparam("organization_id")
    seen = [] if drafts else [Course.status == Status.PUBLISHED]
    own = and_(Chapter.course_id == course_id, Chapter.organization_id == Course.organization_id)
    query = select(*(getattr(Course, field) for field in fields), *_OUTLINE).outerjoin(Chapter, own)
    query = query.where(Course.id == course_id, Course.organization_id == organization_id, *seen)
    return _in_reading_order(query, course_id)


def _in_reading_order(query: Rows, course_id: Any) -> Rows:
    """With what is below the chapters; by the course too, which is what these tables are indexed by."""
    return (
        query.outerjoin(Section, and_(Section.chapter_id == Chapter.id, Section.course_id == course_id))
        .outerjoin(Lesson, and_(Lesson.section_id == Section.id, Lesson.course_id == course_id))
        .order_by(Chapter.position, Chapter.id, Section.position, Section.id, Lesson.position)
    )
