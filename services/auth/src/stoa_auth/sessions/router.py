"""Sessions over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Response, status

from stoa_auth.accounts.passwords import Passwords
from stoa_auth.attempts.service import Limits
from stoa_auth.sessions import service
from stoa_auth.sessions.schemas import LoginIn, RefreshIn, SessionOut, TokensOut
from stoa_auth.sessions.service import Tokens
from stoa_common.database import DatabaseDep, SessionDep
from stoa_common.http import Router, public, require
from stoa_common.pages import Page, PageQuery
from stoa_common.resources import resource
from stoa_common.security import Caller

router = Router(prefix="/api/v1/auth", tags=["sessions"])
PasswordsDep = Annotated[Passwords, resource(Passwords)]
TokensDep = Annotated[Tokens, resource(Tokens)]
LimitsDep = Annotated[Limits, resource(Limits)]
_NO_STORE = {"Cache-Control": "no-store"}


@router.post("/login", response_model=TokensOut, **public())
async def log_in(
    wanted: LoginIn,
    response: Response,
    database: DatabaseDep,
    passwords: PasswordsDep,
    tokens: TokensDep,
    limits: LimitsDep,
) -> TokensOut:
    """Open a session for an e-mail and a password. Who fails often waits: 429 with `Retry-After`."""
    response.headers.update(_NO_STORE)
    return await service.log_in(database, wanted, passwords=passwords, tokens=tokens, limits=limits)


@router.post("/refresh", response_model=TokensOut, **public())
async def refresh(wanted: RefreshIn, response: Response, database: DatabaseDep, tokens: TokensDep) -> TokensOut:
    """Trade a refresh token for new tokens; each is good for one use, and a late second use ends the session."""
    response.headers.update(_NO_STORE)
    return await service.refresh(database, wanted.refresh_token, tokens=tokens)


@router.post("/logout", status_code=status.HTTP_204_NO_CONTENT, **require("account:write"))
async def log_out(session: SessionDep, caller: Caller) -> None:
    """End the session that the access token came from."""
    await service.log_out(session, caller)


@router.get("/sessions", response_model=Page[SessionOut], **require("account:read"))
async def list_sessions(session: SessionDep, caller: Caller, window: PageQuery) -> Page[SessionOut]:
    """Where the caller is logged in, the oldest session first."""
    return await service.list_sessions(session, window, caller=caller)


@router.delete("/sessions/{session_id}", status_code=status.HTTP_204_NO_CONTENT, **require("account:write"))
async def end_session(session_id: UUID, session: SessionDep, caller: Caller) -> None:
    """End one of the caller's sessions; its tokens are refused everywhere within a second."""
    await service.end_session(session, session_id, caller=caller)


@router.delete("/sessions", status_code=status.HTTP_204_NO_CONTENT, **require("account:write"))
async def log_out_everywhere(session: SessionDep, caller: Caller) -> None:
    """End all sessions of the caller, this one too; their tokens are refused everywhere within a second."""
    await service.log_out_everywhere(session, caller)
