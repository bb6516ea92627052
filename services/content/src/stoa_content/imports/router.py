"""Imports over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Request, Response, status

from stoa_common.database import SessionDep
from stoa_common.http import Router, require
from stoa_common.jobs.schemas import JobOut
from stoa_common.resources import resource
from stoa_common.security import Caller
from stoa_content.imports import service
from stoa_content.imports.models import ImportReport
from stoa_content.imports.provider import ArchiveStore
from stoa_content.imports.schemas import ImportReportOut

router = Router(prefix="/api/v1/content", tags=["imports"])
Archives = Annotated[ArchiveStore, resource(ArchiveStore)]

_BYTES = {"schema": {"type": "string", "format": "binary"}}
_UPLOAD: dict[str, Any] = {
    "required": True,
    "description": "A course's folder, Markdown or OLX, as a zip, tar or tar.gz of at most 20 MB.",
    "content": dict.fromkeys(("application/zip", "application/gzip", "application/octet-stream"), _BYTES),
}


def _uploads(access: dict[str, Any]) -> dict[str, Any]:
    """A route's access, for one whose body is bytes."""
    return {**access, "openapi_extra": {**access["openapi_extra"], "requestBody": _UPLOAD}}


@router.post(
    "/imports", response_model=JobOut, status_code=status.HTTP_202_ACCEPTED, **_uploads(require("course:write"))
)
async def import_course(
    request: Request,
    response: Response,
    session: SessionDep,
    caller: Caller,
    archives: Archives,
    content_digest: Annotated[str | None, Header(max_length=1_000, examples=["sha-256=:...:"])] = None,
) -> JobOut:
    """Import a course as a draft; what is wrong with the archive is told at once, the rest is a job."""
    body = await request.body()
    job = await service.request_import(session, archives, body, content_digest=content_digest, author=caller)
    response.headers["Location"] = f"/api/v1/content/jobs/{job.id}"
    return job


@router.get("/courses/{course_id}/import-report", response_model=ImportReportOut, **require("course:write"))
async def get_import_report(course_id: UUID, session: SessionDep, caller: Caller) -> ImportReport:
    """Tell what an import found, and what of it Stoa cannot do yet."""
    return await service.get_report(session, course_id, reader=caller)
