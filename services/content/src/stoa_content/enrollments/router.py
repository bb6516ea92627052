"""Enrollments over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response, status

from stoa_common.database import SessionDep
from stoa_common.http import Router, require
from stoa_common.pages import Page, PageQuery
from stoa_common.security import Caller
from stoa_content.enrollments import service
from stoa_content.enrollments.models import Enrollment
from stoa_content.enrollments.schemas import EnrollmentDetailOut, EnrollmentOut

router = Router(prefix="/api/v1/content", tags=["enrollments"])
CourseFilter = Annotated[UUID | None, Query(description="Only those of this course.")]


@router.post(
    "/courses/{course_id}/enrollments",
    response_model=EnrollmentOut,
    status_code=status.HTTP_201_CREATED,
    responses={200: {"model": EnrollmentOut, "description": "The learner had enrolled before."}},
    **require("enrollment:create"),
)
async def enroll(course_id: UUID, session: SessionDep, caller: Caller, response: Response) -> Enrollment:
    """Start a course; whoever has started it gets the same enrollment again."""
    enrollment, is_new = await service.enroll(session, course_id, learner=caller)
    response.status_code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
    return enrollment


@router.get("/enrollments", response_model=Page[EnrollmentOut], **require("enrollment:read"))
async def list_enrollments(
    session: SessionDep, caller: Caller, window: PageQuery, course_id: CourseFilter = None
) -> Page[EnrollmentOut]:
    """List one's own enrollments; authors see those of every learner."""
    return await service.list_enrollments(session, window, course_id=course_id, reader=caller)


@router.get("/enrollments/{enrollment_id}", response_model=EnrollmentDetailOut, **require("enrollment:read"))
async def get_enrollment(enrollment_id: UUID, session: SessionDep, caller: Caller) -> EnrollmentDetailOut:
    """Show how far a learner is in a course."""
    return await service.get_enrollment(session, enrollment_id, reader=caller)


@router.post(
    "/enrollments/{enrollment_id}/lessons/{lesson_id}/completion",
    response_model=EnrollmentDetailOut,
    **require("enrollment:write"),
)
async def complete_lesson(
    enrollment_id: UUID, lesson_id: UUID, session: SessionDep, caller: Caller
) -> EnrollmentDetailOut:
    """Mark a lesson as completed; once more changes nothing."""
    return await service.complete_lesson(session, enrollment_id, lesson_id, learner=caller)
