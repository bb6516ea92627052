"""The course index over HTTP."""

from uuid import UUID

from stoa_ai.passages import service
from stoa_ai.passages.schemas import CourseIndex
from stoa_common.database import SessionDep
from stoa_common.http import Router, require
from stoa_common.security import Caller

router = Router(prefix="/api/v1/ai/courses", tags=["course index"])


@router.get("/{course_id}", response_model=CourseIndex, **require("course:read"))
async def get_course_index(course_id: UUID, session: SessionDep, caller: Caller) -> CourseIndex:
    """How much of a course the tutor knows already."""
    return await service.describe_course(session, course_id, organization_id=caller.organization_id)
