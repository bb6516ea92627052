"""The public catalog over HTTP: answers that the gateway, browsers and others may keep for a while."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Header
from pydantic import BaseModel
from starlette.responses import Response

from stoa_common.database import SessionDep
from stoa_common.http import Router, public
from stoa_common.pages import Page, PageQuery
from stoa_content.catalog import domain, service
from stoa_content.catalog.schemas import PublicCourseOut, PublicCourseOutlineOut

router = Router(prefix="/api/v1/content/public", tags=["public catalog"])

#: Events purge the gateway's copies, and nobody else's: what is withdrawn may be seen elsewhere for so long.
_CACHE_CONTROL: Final = "public, max-age=30, stale-while-revalidate=60, stale-if-error=600"
_UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {304: {"description": "What `If-None-Match` names is still true."}}
IfNoneMatch = Annotated[str | None, Header(description="The `ETag` of an earlier answer.", max_length=2000)]


@router.get("/{organization_id}", response_model=Page[PublicCourseOut], responses=_UNCHANGED, **public())
async def list_public_courses(
    organization_id: UUID, session: SessionDep, window: PageQuery, if_none_match: IfNoneMatch = None
) -> Response:
    """List the courses that an organization shows to everybody."""
    return _answer(await service.list_courses(session, organization_id, window), if_none_match)


@router.get(
    "/{organization_id}/courses/{course_id}",
    response_model=PublicCourseOutlineOut,
    responses=_UNCHANGED,
    **public(),
)
async def get_public_course(
    organization_id: UUID, course_id: UUID, session: SessionDep, if_none_match: IfNoneMatch = None
) -> Response:
    """Show what a course is about, with the titles of its chapters and lessons."""
    return _answer(await service.get_course(session, organization_id, course_id), if_none_match)


def _answer(shown: BaseModel, if_none_match: str | None) -> Response:
    body = shown.model_dump_json().encode()
    tag = domain.entity_tag(body)
    headers = {"ETag": tag, "Cache-Control": _CACHE_CONTROL}
    if domain.is_known(tag, if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")
