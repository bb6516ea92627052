"""Courses over HTTP."""

from uuid import UUID

from stoa_common.database import SessionDep
from stoa_common.http import Router, require
from stoa_common.pages import Page, PageQuery
from stoa_common.security import Caller
from stoa_content.courses import service
from stoa_content.courses.models import Course, Lesson
from stoa_content.courses.schemas import CourseOut, CourseOutlineOut, LessonOut, VisibilityIn

router = Router(prefix="/api/v1/content/courses", tags=["courses"])


@router.get("", response_model=Page[CourseOut], **require("course:read"))
async def list_courses(session: SessionDep, caller: Caller, window: PageQuery) -> Page[CourseOut]:
    """List the organization's courses; learners see those that are published."""
    return await service.list_courses(session, window, reader=caller)


@router.get("/{course_id}", response_model=CourseOutlineOut, **require("course:read"))
async def get_course(course_id: UUID, session: SessionDep, caller: Caller) -> CourseOutlineOut:
    """Show a course with its outline: chapters, sections and lessons."""
    return await service.get_outline(session, course_id, reader=caller)


@router.post("/{course_id}/publish", response_model=CourseOut, **require("course:write"))
async def publish_course(course_id: UUID, session: SessionDep, caller: Caller) -> Course:
    """Make a draft visible to learners."""
    return await service.publish_course(session, course_id, author=caller)


@router.put("/{course_id}/visibility", response_model=CourseOut, **require("course:write"))
async def set_visibility(course_id: UUID, wanted: VisibilityIn, session: SessionDep, caller: Caller) -> Course:
    """Decide who sees a course once it is published: its organization, or everybody in the public catalog."""
    return await service.set_visibility(session, course_id, wanted.visibility, author=caller)


@router.get("/{course_id}/lessons/{lesson_id}", response_model=LessonOut, **require("course:read"))
async def get_lesson(course_id: UUID, lesson_id: UUID, session: SessionDep, caller: Caller) -> Lesson:
    """Read a lesson: its text, its videos, and the quiz that belongs to it."""
    return await service.get_lesson(session, course_id, lesson_id, reader=caller)
