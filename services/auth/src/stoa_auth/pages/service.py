"""Use cases of pages: each does what a route for programs does, and answers in words.

Those about mails stand in `mailed` and `invited`, those about organizations' providers in `signing_on` and
`identities`, step-up in `stepping_up`.
"""

from starlette.requests import Request
from starlette.responses import Response

from stoa_auth.browsers import service as browsers
from stoa_auth.pages import domain
from stoa_auth.pages.domain import BY_PASSWORD
from stoa_auth.pages.forms import Desk, address, form, message, onward, read, redirect, who
from stoa_auth.pages.identities import change_identities, show_identities
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
from stoa_auth.pages.signing_on import find_demanded, show_demanded, show_sign_on, sign_on
from stoa_auth.pages.stepping_up import (
    begin_step_up_passkey,
    show_step_up,
    step_up,
    step_up_with_passkey,
)
from stoa_auth.rendering import service as rendering
from stoa_auth.sessions import service as sessions
from stoa_auth.sessions.domain import FEDERATED, Grant
from stoa_auth.sessions.proofs import Proof
from stoa_auth.sessions.schemas import LoginIn
from stoa_auth.sessions.second_factors import ChallengeIsOver
from stoa_auth.sessions.service import Checks, SecondFactorIsNeeded
from stoa_auth.sign_on import ways
from stoa_common.database import Session
from stoa_common.errors import Refusal

__all__ = [
    "Desk",
    "accept_invitation",
    "ask_for_reset",
    "begin_passkey",
    "begin_step_up_passkey",
    "change_identities",
    "log_in",
    "log_in_with_passkey",
    "log_out",
    "prove",
    "reset_password",
    "show_account",
    "show_forgotten",
    "show_identities",
    "show_invitation",
    "show_log_in",
    "show_log_out",
    "show_reset",
    "show_sign_on",
    "show_step_up",
    "show_verification",
    "sign_on",
    "step_up",
    "step_up_with_passkey",
    "verify_email",
]

_SCRIPT = "passkey.js"


def show_log_in(
    request: Request,
    wanted: str | None,
    *,
    by_password: bool = False,
    email: str = "",
    refusal: Refusal | None = None,
) -> Response:
    """`by_password`: the person has seen that their organization demands its provider, and has another reason."""
    return form(
        request,
        "log_in.html",
        title="log-in.title",
        refusal=refusal,
        script=_SCRIPT,
        action=address("log-in", wanted, **BY_PASSWORD if by_password else {}),
        sign_on=address("sign-on", wanted),
        email=email,
        next=wanted or "",
        challenge="",
    )


async def log_in(request: Request, sent: LogInForm, wanted: str | None, *, by_password: bool, desk: Desk) -> Response:
    try:
        asked = read(LoginIn, email=sent.email, password=sent.password)
        if not by_password and (demanded := await find_demanded(asked.email, desk=desk)):
            return show_demanded(request, asked.email, demanded, wanted)
        grant = await sessions.open_by_password(
            desk.database, asked, passwords=desk.passwords, tokens=desk.tokens, limits=desk.limits
        )
    except SecondFactorIsNeeded as needed:
        return _show_second_factor(request, needed.challenge, wanted)
    except Refusal as refusal:
        return show_log_in(request, wanted, by_password=by_password, email=sent.email, refusal=refusal)
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
    response = onward(request, wanted, title="continue.title")
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
    found = await who(request, desk)
    if found is None:
        return redirect(address("log-in", None))
    person = found.person
    async with desk.database.transaction() as session:
        is_demanded = FEDERATED not in found.browser.methods and await ways.is_demanded(session, person.id)
    return form(
        request,
        "account.html",
        title="account.title",
        email=person.email,
        name=person.name,
        is_verified=person.email_verified,
        is_sign_on_demanded=is_demanded,
    )


def show_log_out(request: Request) -> Response:
    return form(request, "log_out.html", title="log-out.title")


async def log_out(request: Request, *, desk: Desk) -> Response:
    page = message(request, "log-out")
    await browsers.log_browser_out(request, page, desk.database)
    return page
