"""Pages over HTTP."""

from typing import Annotated, Any, Final

from fastapi import Depends, Form, Request, status
from starlette.responses import RedirectResponse, Response

from stoa_auth.accounts.passwords import Passwords
from stoa_auth.attempts.service import Limits
from stoa_auth.browsers.routing import PageRouter, script_router
from stoa_auth.factors.service import Guard
from stoa_auth.mail.service import MailSealer
from stoa_auth.pages import service
from stoa_auth.pages.domain import PAGES
from stoa_auth.pages.forms import address
from stoa_auth.pages.schemas import (
    ByPassword,
    CodeForm,
    EmailForm,
    InvitationForm,
    LoggedInOut,
    LogInForm,
    Next,
    PasskeyLogInIn,
    PasskeyOptionsIn,
    PasskeyOptionsOut,
    ResetForm,
    SecondFactorForm,
)
from stoa_auth.pages.service import Desk
from stoa_auth.passkeys.service import RelyingParty
from stoa_auth.sessions.service import Tokens
from stoa_auth.sign_on import service as sign_on
from stoa_common.database import DatabaseDep, SessionDep
from stoa_common.http import public
from stoa_common.resources import Resources

router = PageRouter(prefix=PAGES, tags=["pages"])
#: A log-in, or the way to it, leads on.
ELSEWHERE: Final[dict[int | str, dict[str, Any]]] = {303: {"description": "On to the next page."}}
#: For the script of the log-in page.
scripts = script_router(prefix=PAGES, tags=["pages"])


def _desk(request: Request, database: DatabaseDep) -> Desk:
    resources: Resources = request.app.state.resources
    return Desk(
        database,
        passwords=resources.get(Passwords),
        tokens=resources.get(Tokens),
        limits=resources.get(Limits),
        sealer=resources.get(MailSealer),
        guard=resources.get(Guard),
        party=resources.get(RelyingParty),
        sign_on=resources.get(sign_on.Desk),
    )


DeskDep = Annotated[Desk, Depends(_desk)]


@router.get("/log-in", **public(takes_cookie=True))
async def show_log_in(request: Request, wanted: Next = None, by: ByPassword = None) -> Response:
    """The page where people log in."""
    return service.show_log_in(request, wanted, by_password=by is not None)


@router.post("/log-in", responses=ELSEWHERE, **public(takes_cookie=True))
async def submit_log_in(
    request: Request,
    sent: Annotated[LogInForm, Form()],
    desk: DeskDep,
    wanted: Next = None,
    by: ByPassword = None,
) -> Response:
    """Log this browser in by a password; with a second factor the next page asks for it.

    Where the organization of the address's domain admits only who logs in by its provider, the page says so instead.
    """
    return await service.log_in(request, sent, wanted, by_password=by is not None, desk=desk)


@router.get("/sign-on", **public(takes_cookie=True))
async def show_sign_on(request: Request, wanted: Next = None) -> Response:
    """The page that asks for an address, to find the log-in service of its organization."""
    return service.show_sign_on(request, wanted)


@router.post("/sign-on", **public(takes_cookie=True))
async def submit_sign_on(
    request: Request, sent: Annotated[EmailForm, Form()], desk: DeskDep, wanted: Next = None
) -> Response:
    """By which provider the organization of the address logs its people in; the address may have an account or not."""
    return await service.sign_on(request, sent, wanted, desk=desk)


@router.get("/second-factor", status_code=status.HTTP_303_SEE_OTHER, **public(takes_cookie=True))
async def show_second_factor(wanted: Next = None) -> Response:
    """A log-in that was left half-way begins again."""
    return RedirectResponse(address("log-in", wanted), 303, headers={"Cache-Control": "no-store"})


@router.post("/second-factor", responses=ELSEWHERE, **public(takes_cookie=True))
async def submit_second_factor(
    request: Request, sent: Annotated[SecondFactorForm, Form()], desk: DeskDep, wanted: Next = None
) -> Response:
    """Go on with a log-in by the code of an app, or a recovery code."""
    return await service.prove(request, sent, wanted, desk=desk)


@scripts.post("/passkey/options", response_model=PasskeyOptionsOut, **public(takes_cookie=True))
async def begin_page_passkey(wanted: PasskeyOptionsIn, session: SessionDep, desk: DeskDep) -> PasskeyOptionsOut:
    """What the log-in page asks its browser for."""
    return await service.begin_passkey(session, wanted.challenge, desk=desk)


@scripts.post("/passkey", response_model=LoggedInOut, **public(takes_cookie=True))
async def submit_page_passkey(
    request: Request, response: Response, shown: PasskeyLogInIn, desk: DeskDep
) -> LoggedInOut:
    """Log this browser in by a passkey, alone or after a password."""
    return await service.log_in_with_passkey(request, response, shown, desk=desk)


@router.get("/log-out", **public(takes_cookie=True))
async def show_log_out(request: Request) -> Response:
    """The page that asks whether to log out: a link alone ends nothing."""
    return service.show_log_out(request)


@router.post("/log-out", **public(takes_cookie=True))
async def submit_log_out(request: Request, desk: DeskDep) -> Response:
    """Log this browser out; its session's tokens are refused everywhere within a second."""
    return await service.log_out(request, desk=desk)


@router.get("/verify-email", **public(takes_cookie=True))
async def show_verification(request: Request) -> Response:
    """The page that a mail leads to; it confirms nothing by itself."""
    return service.show_verification(request)


@router.post("/verify-email", **public(takes_cookie=True))
async def submit_verification(request: Request, sent: Annotated[CodeForm, Form()], desk: DeskDep) -> Response:
    """Show by the code from the mail that the address is one's own."""
    return await service.verify_email(request, sent, desk=desk)


@router.get("/invitation", **public(takes_cookie=True))
async def show_invitation(request: Request, desk: DeskDep) -> Response:
    """The page that an invitation by mail leads to."""
    return await service.show_invitation(request, desk=desk)


@router.post("/invitation", **public(takes_cookie=True))
async def submit_invitation(request: Request, sent: Annotated[InvitationForm, Form()], desk: DeskDep) -> Response:
    """Join by an invitation: with the account of this browser, else with a new one."""
    return await service.accept_invitation(request, sent, desk=desk)


@router.get("/forgot-password", **public(takes_cookie=True))
async def show_forgotten_password(request: Request) -> Response:
    """The page that asks for a mail with a link to a new password."""
    return service.show_forgotten(request)


@router.post("/forgot-password", **public(takes_cookie=True))
async def submit_forgotten_password(request: Request, sent: Annotated[EmailForm, Form()], desk: DeskDep) -> Response:
    """Ask for that mail; the page is the same whether the address is known or not."""
    return await service.ask_for_reset(request, sent, desk=desk)


@router.get("/reset-password", **public(takes_cookie=True))
async def show_new_password(request: Request) -> Response:
    """The page that a mail leads to, for a new password."""
    return service.show_reset(request)


@router.post("/reset-password", **public(takes_cookie=True))
async def submit_new_password(request: Request, sent: Annotated[ResetForm, Form()], desk: DeskDep) -> Response:
    """Choose a new password with the code from the mail. Every session of the account ends."""
    return await service.reset_password(request, sent, desk=desk)
