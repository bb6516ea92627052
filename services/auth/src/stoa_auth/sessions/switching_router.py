"""Switching over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, ConfigDict

from stoa_auth.sessions import switching
from stoa_auth.sessions.opening import Tokens
from stoa_auth.sessions.schemas import TokensOut
from stoa_common.database import DatabaseDep
from stoa_common.http import Router, require
from stoa_common.resources import resource
from stoa_common.security import Caller

router = Router(prefix="/api/v1/auth", tags=["sessions"])
TokensDep = Annotated[Tokens, resource(Tokens)]


class SwitchIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    organization_id: UUID


@router.post("/sessions/switch", response_model=TokensOut, **require("account:write", keeps_answer=False))
async def switch(
    wanted: SwitchIn, response: Response, database: DatabaseDep, caller: Caller, tokens: TokensDep
) -> TokensOut:
    """Go on in another organization of one's own, in the same session: its old tokens are refused within a second."""
    response.headers["Cache-Control"] = "no-store"
    return await switching.switch(database, wanted.organization_id, caller=caller, tokens=tokens)
