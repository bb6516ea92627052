"""The audit log over HTTP."""

from typing import Any

from fastapi.responses import StreamingResponse

from stoa_auth.audit import service
from stoa_auth.audit.schemas import ChoiceQuery, HeadQuery, LogQuery, RecordOut, VerificationOut
from stoa_common.database import DatabaseDep, SessionDep
from stoa_common.http import Router, require
from stoa_common.pages import Page, PageQuery
from stoa_common.security import Caller

router = Router(prefix="/api/v1/auth/audit", tags=["audit"])
NDJSON = "application/x-ndjson"
_EXPORT: dict[int | str, dict[str, Any]] = {
    200: {"description": "A JSON document a line", "content": {NDJSON: {"schema": {"type": "string"}}}}
}


@router.get("", response_model=Page[RecordOut], **require("audit:read"))
async def list_audit_records(
    session: SessionDep, caller: Caller, window: PageQuery, choice: ChoiceQuery, log: LogQuery = None
) -> Page[RecordOut]:
    """What was done in the organization that the caller acts for, the newest first; in any, for an operator."""
    return await service.list_records(session, choice, window, log=log, caller=caller)


@router.get("/export", response_class=StreamingResponse, responses=_EXPORT, **require("audit:read"))
async def export_audit_log(
    database: DatabaseDep, caller: Caller, choice: ChoiceQuery, log: LogQuery = None
) -> StreamingResponse:
    """The log with its hashes, the oldest first: what was hashed, so personal parts as ciphertext.

    A line a record, `{"hash", "previous", "record"}`; the last is `{"chain", "head", "records"}` and says what the
    whole log has. `stoa audit verify FILE` recomputes an export of everything. That it was taken is noted in the log.
    """
    lines = await service.export(database, choice, log=log, caller=caller)
    return StreamingResponse(lines, media_type=NDJSON, headers={"Cache-Control": "no-store"})


@router.get("/verification", response_model=VerificationOut, **require("audit:read"))
async def verify_audit_log(
    database: DatabaseDep, caller: Caller, log: LogQuery = None, head: HeadQuery = None
) -> VerificationOut:
    """Recompute the log from its first record: one altered byte, a removed or an inserted record is found."""
    return await service.verify(database, log=log, noted=head, caller=caller)
