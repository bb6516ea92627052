"""Browsers over HTTP, for front ends that are served beside the gateway; and what gives a session new credentials:
an app gets tokens, a browser another cookie.
"""

from typing import Annotated

from fastapi import Header, Request, Response

from stoa_auth.accounts.passwords import Passwords
from stoa_auth.browsers import service
from stoa_auth.browsers.schemas import BrowserSessionOut
from stoa_auth.browsers.service import BrowserSession
from stoa_auth.factors.service import Guard
from stoa_auth.passkeys.service import RelyingParty
from stoa_auth.sessions import service as sessions
from stoa_auth.sessions import switching
from stoa_auth.sessions.schemas import StepUpIn, StepUpOut, SwitchedOut, SwitchIn
from stoa_auth.sessions.service import Checks, Tokens
from stoa_common.database import DatabaseDep, SessionDep
from stoa_common.http import Router, public, require
from stoa_common.resources import resource
from stoa_common.security import Caller

router = Router(prefix="/api/v1/auth", tags=["sessions"])
PasswordsDep = Annotated[Passwords, resource(Passwords)]
TokensDep = Annotated[Tokens, resource(Tokens)]
GuardDep = Annotated[Guard, resource(Guard)]
RelyingPartyDep = Annotated[RelyingParty, resource(RelyingParty)]
Languages = Annotated[str | None, Header(alias="Accept-Language", description="The language of mails: en or ru.")]
_NO_STORE = {"Cache-Control": "no-store"}


@router.get("/browser-session", response_model=BrowserSessionOut, **public(takes_cookie=True))
async def get_browser_session(request: Request, response: Response, session: SessionDep) -> BrowserSession:
    """Who has logged in by this browser, and the token that its writes need beside the cookie; 401 for nobody."""
    response.headers.update(_NO_STORE)
    return await service.get_session(session, request)


@router.post(
    "/sessions/switch",
    response_model=SwitchedOut,
    **require("account:write", keeps_answer=False, takes_cookie=True),
)
async def switch(
    wanted: SwitchIn, request: Request, response: Response, database: DatabaseDep, caller: Caller, tokens: TokensDep
) -> SwitchedOut:
    """Go on in another organization of one's own, in the same session: its old tokens are refused within a second.

    A browser gets another cookie and no tokens; its writes need another X-CSRF-Token then.
    """
    response.headers.update(_NO_STORE)
    switched = await switching.switch(database, wanted.organization_id, caller=caller, tokens=tokens)
    await service.renew_cookie_of(request, response, database, caller=caller)
    return switched


@router.post(
    "/step-up",
    response_model=StepUpOut,
    **require("account:write", keeps_answer=False, takes_cookie=True),
)
async def step_up(
    wanted: StepUpIn,
    request: Request,
    response: Response,
    database: DatabaseDep,
    caller: Caller,
    passwords: PasswordsDep,
    tokens: TokensDep,
    guard: GuardDep,
    party: RelyingPartyDep,
    accept_language: Languages = None,
) -> StepUpOut:
    """Prove again who one is, before something dangerous (RFC 9470); who has a second factor, by it.

    The session's access tokens from before are refused from now on; its refresh token stays good. A browser gets
    another cookie and no tokens; its writes need another X-CSRF-Token then.
    """
    response.headers.update(_NO_STORE)
    checks = Checks(guard, party, accept_language)
    proved = await sessions.step_up(database, wanted, caller=caller, passwords=passwords, tokens=tokens, checks=checks)
    await service.renew_cookie_of(request, response, database, caller=caller)
    return proved
