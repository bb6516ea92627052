"""Exports over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Response, status
from fastapi.responses import StreamingResponse

from stoa_auth.mail import service as mail
from stoa_auth.portability import service
from stoa_auth.portability.models import PersonExport
from stoa_auth.portability.schemas import ExportOut
from stoa_auth.portability.sealing import PartSealer
from stoa_common.database import DatabaseDep, SessionDep
from stoa_common.http import Router, require
from stoa_common.jobs.schemas import JobOut
from stoa_common.pages import Page, PageQuery
from stoa_common.resources import resource
from stoa_common.security import Caller

router = Router(prefix="/api/v1/auth/me/exports", tags=["privacy"])
ZIP = "application/zip"
SealerDep = Annotated[PartSealer, resource(PartSealer)]
Languages = Annotated[str | None, Header(alias="Accept-Language", description="Of the mail and the README: en or ru.")]
_ARCHIVE: dict[int | str, dict[str, Any]] = {
    200: {"description": "A ZIP", "content": {ZIP: {"schema": {"type": "string", "format": "binary"}}}}
}


@router.post("", response_model=JobOut, status_code=status.HTTP_202_ACCEPTED, **require("account:write", recent=True))
async def ask_for_export(
    session: SessionDep, caller: Caller, response: Response, accept_language: Languages = None
) -> JobOut:
    """Have all that Stoa holds on the caller collected from every service; a mail tells when it is ready."""
    job = await service.ask(session, caller, language=mail.language_of(accept_language))
    response.headers["Location"] = f"/api/v1/auth/jobs/{job.id}"
    return job


@router.get("", response_model=Page[ExportOut], **require("account:read"))
async def list_exports(session: SessionDep, caller: Caller, window: PageQuery) -> Page[ExportOut]:
    """The caller's exports that are kept, the oldest first."""
    return await service.list_exports(session, window, caller=caller)


@router.get("/{export_id}", response_model=ExportOut, **require("account:read"))
async def get_export(export_id: UUID, session: SessionDep, caller: Caller) -> PersonExport:
    """Whether an export of the caller's is ready, and until when it is kept."""
    return await service.get_export(session, export_id, caller=caller)


@router.get(
    "/{export_id}/archive",
    response_class=StreamingResponse,
    responses=_ARCHIVE,
    **require("account:write", recent=True),
)
async def download_export(
    export_id: UUID, database: DatabaseDep, caller: Caller, sealer: SealerDep
) -> StreamingResponse:
    """The archive: a README in the caller's language, and a JSON file for each table of each service.

    As often as wanted, for seven days. Only for who has just proved who they are, and for nobody in their place.
    """
    pieces = await service.download(database, export_id, sealer=sealer, caller=caller)
    headers = {"Content-Disposition": f'attachment; filename="stoa-{export_id}.zip"', "Cache-Control": "no-store"}
    return StreamingResponse(pieces, media_type=ZIP, headers=headers)


@router.delete("/{export_id}", status_code=status.HTTP_204_NO_CONTENT, **require("account:write"))
async def delete_export(export_id: UUID, session: SessionDep, caller: Caller) -> None:
    """Delete an export of the caller's before its time; one that is being collected is stopped."""
    await service.delete_export(session, export_id, caller=caller)
