"""Use cases of the page where somebody who is logged in proves again who they are (step-up, RFC 9470)."""

from starlette.requests import Request
from starlette.responses import Response

from stoa_auth.browsers import service as browsers
from stoa_auth.browsers.service import BrowserSessionIsOver
from stoa_auth.factors import domain as codes
from stoa_auth.factors import service as factors
from stoa_auth.pages import domain
from stoa_auth.pages.forms import Desk, LoggedIn, address, form, onward, principal, redirect, who
from stoa_auth.pages.schemas import LoggedInOut, PasskeyOptionsOut, PasskeyStepUpIn, StepUpForm
from stoa_auth.pages.signing_on import links
from stoa_auth.rendering import service as rendering
from stoa_auth.sessions import service as sessions
from stoa_auth.sessions.domain import FEDERATED, SessionIsOver
from stoa_auth.sessions.schemas import StepUpIn
from stoa_auth.sessions.second_factors import ProofIsWrong
from stoa_auth.sessions.service import Checks
from stoa_auth.sign_on import ways as providers
from stoa_common.database import Session
from stoa_common.errors import Refusal

_SCRIPT = "passkey.js"


async def show_step_up(request: Request, wanted: str | None, *, desk: Desk) -> Response:
    """The page, which asks for what the person has; who is not logged in logs in, which is proof enough."""
    found = await who(request, desk)
    if found is None:
        return redirect(address("log-in", wanted))
    if FEDERATED in found.browser.methods:
        return await _show_providers(request, found, wanted, desk=desk)
    return await _show_proofs(request, found, wanted, desk=desk)


async def _show_proofs(
    request: Request, found: LoggedIn, wanted: str | None, *, desk: Desk, refusal: Refusal | None = None
) -> Response:
    async with desk.database.transaction() as session:
        methods = await factors.list_methods(session, found.person.id)
    return form(
        request,
        "step_up.html",
        title="step-up.title",
        refusal=refusal,
        script=_SCRIPT,
        action=address("step-up", wanted),
        account=found.person.name or found.person.email,
        email=found.person.email,
        # A stolen session and a guessed password shall not do away with the factor that they lack.
        has_password=not methods,
        has_code=bool({"authenticator", "recovery-code"} & set(methods)),
        has_passkey="passkey" in methods,
        next=wanted or "",
    )


async def _show_providers(request: Request, found: LoggedIn, wanted: str | None, *, desk: Desk) -> Response:
    """By which provider the session was opened is not kept: it is one of those that the person has logged in by."""
    organization_id = found.browser.organization_id
    async with desk.database.transaction() as session:
        ways = await providers.list_known_ways(
            session, found.person.id, organization_id=organization_id, desk=desk.sign_on
        )
    if not ways:
        return redirect(address("log-in", wanted))
    return browsers.show_form(
        request,
        "step_up_providers.html",
        title="step-up.title",
        account=found.person.name or found.person.email,
        ways=links(ways, wanted, is_afresh=True),
    )


async def step_up(request: Request, sent: StepUpForm, wanted: str | None, *, desk: Desk) -> Response:
    """Renew the proof of this browser's session by what was typed; its cookie is another one then."""
    found = await who(request, desk)
    if found is None:
        return redirect(address("log-in", wanted))
    if FEDERATED in found.browser.methods:
        return await _show_providers(request, found, wanted, desk=desk)
    try:
        await _renew(request, found, _read(sent), desk=desk)
    except SessionIsOver:
        return redirect(address("log-in", wanted))
    except Refusal as refusal:
        return await _show_proofs(request, found, wanted, desk=desk, refusal=refusal)
    response = onward(request, wanted, title="step-up.done-title")
    await browsers.renew_cookie(request, response, desk.database)
    return response


def _read(sent: StepUpForm) -> StepUpIn:
    """Raises ProofIsWrong: what can be no code is none."""
    code = sent.code.strip()
    kind = "recovery_code" if codes.is_recovery_code(code) else "code"
    try:
        return StepUpIn.model_validate({kind: code} if code else {"password": sent.password})
    except ValueError:
        raise ProofIsWrong("Type your password, or a code as it is shown to you.") from None


async def _renew(request: Request, found: LoggedIn, wanted: StepUpIn, *, desk: Desk) -> None:
    await sessions.step_up(
        desk.database,
        wanted,
        caller=principal(found.browser),
        passwords=desk.passwords,
        tokens=desk.tokens,
        checks=Checks(desk.guard, desk.party, rendering.choose_language(request)),
    )


async def begin_step_up_passkey(request: Request, session: Session, *, desk: Desk) -> PasskeyOptionsOut:
    """What the page's script asks the browser for. Raises BrowserSessionIsOver, ProviderProvesWho."""
    browser = await browsers.get_session(session, request)
    if FEDERATED in browser.methods:
        raise domain.ProviderProvesWho
    asked = await sessions.begin_step_up_passkey(session, caller=principal(browser), party=desk.party)
    return PasskeyOptionsOut(publicKey=asked)


async def step_up_with_passkey(
    request: Request, response: Response, shown: PasskeyStepUpIn, *, desk: Desk
) -> LoggedInOut:
    """As `step_up`, by a passkey. Raises what that tells, too."""
    found = await who(request, desk)
    if found is None:
        raise BrowserSessionIsOver
    if FEDERATED in found.browser.methods:
        raise domain.ProviderProvesWho
    await _renew(request, found, StepUpIn(passkey=shown.credential), desk=desk)
    await browsers.renew_cookie(request, response, desk.database)
    return LoggedInOut(next=domain.destination(shown.next))
