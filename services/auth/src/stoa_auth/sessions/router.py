"""Sessions over HTTP."""

from typing import Annotated

from fastapi import Response, status

from stoa_auth.accounts.passwords import Passwords
from stoa_auth.sessions import service
from stoa_auth.sessions.schemas import LoginIn, RefreshIn, TokensOut
from stoa_auth.sessions.service import Tokens
from stoa_common.database import DatabaseDep, SessionDep
from stoa_common.http import Router, public, require
from stoa_common.resources import resource
from stoa_common.security import Caller

router = Router(prefix="/api/v1/auth", tags=["sessions"])
PasswordsDep = Annotated[Passwords, resource(Passwords)]
TokensDep = Annotated[Tokens, resource(Tokens)]
_NO_STORE = {"Cache-Control": "no-store"}


@router.post("/login", response_model=TokensOut, **public())
async def log_in(
    wanted: LoginIn, response: Response, database: DatabaseDep, passwords: PasswordsDep, tokens: TokensDep
) -> TokensOut:
    """Open a session for an e-mail and a password."""
    response.headers.update(_NO_STORE)
    return await service.log_in(database, wanted, passwords=passwords, tokens=tokens)


@router.post("/refresh", response_model=TokensOut, **public())
async def refresh(wanted: RefreshIn, response: Response, database: DatabaseDep, tokens: TokensDep) -> TokensOut:
    """Trade a refresh token for new tokens; each is good for one use, and a late second use ends the session."""
    response.headers.update(_NO_STORE)
    return await service.refresh(database, wanted.refresh_token, tokens=tokens)


@router.post("/logout", status_code=status.HTTP_204_NO_CONTENT, **require("account:write"))
async def log_out(session: SessionDep, caller: Caller) -> None:
    """End the session that the access token came from."""
    await service.log_out(session, caller)
