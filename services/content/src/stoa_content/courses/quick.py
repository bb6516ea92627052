"""The read of a course as most ask for it: one statement, without the mapper. The route answers the same."""

from typing import TYPE_CHECKING
from uuid import UUID

from stoa_common.http.quick import Prepared, Quick
from stoa_common.security import Principal
from stoa_content.courses import service
from stoa_content.courses.repository import OutlineRow, course_with_outline, sees_drafts
from stoa_content.courses.schemas import CourseOut, CourseOutlineOut

if TYPE_CHECKING:
    from stoa_common.http.quick import Connection

_COURSE_FIELDS = tuple(CourseOut.model_fields)
_OF_ALL = Prepared(course_with_outline(_COURSE_FIELDS, drafts=True))
_OF_PUBLISHED = Prepared(course_with_outline(_COURSE_FIELDS, drafts=False))


async def read(connection: "Connection", caller: Principal, course_id: UUID) -> bytes | None:
    """A course with its outline, as JSON; None where the caller sees none."""
    prepared = _OF_ALL if sees_drafts(caller) else _OF_PUBLISHED
    rows = await prepared.fetch(connection, course_id=course_id, organization_id=caller.organization_id)
    if not rows:
        return None
    size = len(_COURSE_FIELDS)
    course = dict(zip(_COURSE_FIELDS, rows[0][:size], strict=True))
    chapters = service.chapters_of([OutlineRow._make(row[size:]) for row in rows])
    return CourseOutlineOut(**course, chapters=chapters).model_dump_json(by_alias=True).encode()


quick_course = Quick("/api/v1/content/courses/{course_id}", read)
