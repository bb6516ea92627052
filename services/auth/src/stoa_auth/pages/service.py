"""Use cases of pages: each does what a route for programs does, and answers in words.

Those about mails stand in `mailed` and `invited`.
"""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stoa_auth.browsers import service as browsers
from stoa_auth.pages import domain
from stoa_auth.pages.forms import Desk, address, form, message, read
from stoa_auth.pages.invited import accept_invitation, show_invitation
from stoa_auth.pages.mailed import (
    ask_for_reset,
    reset_password,
    show_forgotten,
    show_reset,
    show_verification,
    verify_email,
)
from stoa_auth.pages.schemas import (
    LoggedInOut,
    LogInForm,
    PasskeyLogInIn,
    PasskeyOptionsOut,
    SecondFactorForm,
)
from stoa_auth.people import service as people
from stoa_auth.rendering import service as rendering
from stoa_auth.sessions import service as sessions
from stoa_auth.sessions.domain import Grant
from stoa_auth.sessions.proofs import Proof
from stoa_auth.sessions.schemas import LoginIn
from stoa_auth.sessions.second_factors import ChallengeIsOver
from stoa_auth.sessions.service import Checks, SecondFactorIsNeeded
from stoa_common.database import Session
from stoa_common.errors import Refusal

__all__ = [
    "Desk",
    "accept_invitation",
    "ask_for_reset",
    "begin_passkey",
    "log_in",
    "log_in_with_passkey",
    "log_out",
    "prove",
    "reset_password",
    "show_account",
    "show_forgotten",
    "show_invitation",
    "show_log_in",
    "show_log_out",
    "show_reset",
    "show_verification",
    "verify_email",
]

_SCRIPT = "passkey.js"


def show_log_in(request: Request, wanted: str | None, *, email: str = "", refusal: Refusal | None = None) -> Response:
    return form(
        request,
        "log_in.html",
        title="log-in.title",
        refusal=refusal,
        script=_SCRIPT,
        action=address("log-in", wanted),
        email=email,
        next=wanted or "",
        challenge="",
    )


async def log_in(request: Request, sent: LogInForm, wanted: str | None, *, desk: Desk) -> Response:
    try:
        asked = read(LoginIn, email=sent.email, password=sent.password)
        grant = await sessions.open_by_password(
            desk.database, asked, passwords=desk.passwords, tokens=desk.tokens, limits=desk.limits
        )
    except SecondFactorIsNeeded as needed:
        return _show_second_factor(request, needed.challenge, wanted)
    except Refusal as refusal:
        return show_log_in(request, wanted, email=sent.email, refusal=refusal)
    return await _enter(request, grant, wanted, desk=desk)


def _show_second_factor(
    request: Request, challenge: str, wanted: str | None, *, refusal: Refusal | None = None
) -> Response:
    return form(
        request,
        "second_factor.html",
        title="second-factor.title",
        refusal=refusal,
        script=_SCRIPT,
        action=address("second-factor", wanted),
        challenge=challenge,
        next=wanted or "",
    )


async def prove(request: Request, sent: SecondFactorForm, wanted: str | None, *, desk: Desk) -> Response:
    """Go on with a log-in that waits, by a code."""
    try:
        grant = await _open_by_factor(request, sent.challenge, sent.code, desk=desk)
    except ChallengeIsOver as refusal:
        return show_log_in(request, wanted, refusal=refusal)
    except Refusal as refusal:
        return _show_second_factor(request, sent.challenge, wanted, refusal=refusal)
    return await _enter(request, grant, wanted, desk=desk)


async def _open_by_factor(request: Request, challenge: str, proof: Proof, *, desk: Desk) -> Grant:
    checks = Checks(desk.guard, desk.party, rendering.choose_language(request))
    return await sessions.open_by_factor(desk.database, challenge, proof, tokens=desk.tokens, checks=checks)


async def _enter(request: Request, grant: Grant, wanted: str | None, *, desk: Desk) -> Response:
    target = domain.destination(wanted)
    if domain.is_page(target):
        response: Response = RedirectResponse(target, 303, headers={"Cache-Control": "no-store"})
    else:
        response = rendering.render(request, "continue.html", title="continue.title", next=target)
    await browsers.set_cookies(request, response, desk.database, grant)
    return response


async def begin_passkey(session: Session, challenge: str | None, *, desk: Desk) -> PasskeyOptionsOut:
    """What the page's script asks the browser for."""
    if challenge is not None:
        return PasskeyOptionsOut(publicKey=await sessions.begin_factor_passkey(session, challenge, party=desk.party))
    return PasskeyOptionsOut(publicKey=await sessions.begin_passkey_log_in(session, party=desk.party))


async def log_in_with_passkey(
    request: Request, response: Response, shown: PasskeyLogInIn, *, desk: Desk
) -> LoggedInOut:
    """Log the browser in by a passkey, alone or after the password."""
    if shown.challenge is not None:
        grant = await _open_by_factor(request, shown.challenge, shown.credential, desk=desk)
    else:
        grant = await sessions.open_by_passkey(
            desk.database, shown.credential, organization_id=None, tokens=desk.tokens, party=desk.party
        )
    await browsers.set_cookies(request, response, desk.database, grant)
    return LoggedInOut(next=domain.destination(shown.next))


async def show_account(request: Request, *, desk: Desk) -> Response:
    """Who has logged in by this browser; nobody is taken to the log-in."""
    async with desk.database.transaction() as session:
        browser = await browsers.find_session(session, request)
        person = await people.get_person(session, browser.person_id) if browser else None
    if person is None:
        return RedirectResponse(address("log-in", None), 303, headers={"Cache-Control": "no-store"})
    return form(
        request,
        "account.html",
        title="account.title",
        email=person.email,
        name=person.name,
        is_verified=person.email_verified,
    )


def show_log_out(request: Request) -> Response:
    return form(request, "log_out.html", title="log-out.title")


async def log_out(request: Request, *, desk: Desk) -> Response:
    page = message(request, "log-out")
    await browsers.log_browser_out(request, page, desk.database)
    return page
