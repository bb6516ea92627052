"""Revocations over HTTP, for the services: the gateway exposes no path of this prefix."""

from typing import Annotated

from fastapi import Query, Response

from stoa_auth.revocations import service
from stoa_auth.revocations.schemas import ExtractOut
from stoa_common.database import SessionDep
from stoa_common.http import Router, public
from stoa_common.revocations import Extract

router = Router(prefix="/internal", tags=["revocations"])


@router.get("/revocations", response_model=ExtractOut, **public())
async def read_revocations(
    session: SessionDep, response: Response, after: Annotated[int, Query(ge=0, lt=2**63)] = 0
) -> Extract:
    """Which access tokens are refused although they have not expired, as the database has it now."""
    response.headers["Cache-Control"] = "no-store"
    return await service.read(session, after=after)
