"""Use cases of the page that an invitation by mail leads to: newcomers register by it, others join when logged in."""

from starlette.requests import Request
from starlette.responses import Response

from stoa_auth.accounts import service as accounts
from stoa_auth.accounts.schemas import RegistrationIn
from stoa_auth.browsers.service import BrowserSession
from stoa_auth.organizations import service as organizations
from stoa_auth.pages.forms import Desk, address, form, message, principal, read, who
from stoa_auth.pages.schemas import InvitationForm
from stoa_auth.people.service import Person
from stoa_auth.rendering import service as rendering
from stoa_common.errors import Refusal

_SCRIPT = "mail_code.js"


async def show_invitation(request: Request, *, desk: Desk) -> Response:
    found = await who(request, desk)
    person = found.person if found else None
    return _shown(request, person, InvitationForm())


def _shown(request: Request, person: Person | None, sent: InvitationForm, refusal: Refusal | None = None) -> Response:
    return form(
        request,
        "invitation.html" if person is None else "invitation_joining.html",
        title="invitation.title",
        refusal=refusal,
        script=_SCRIPT,
        code=sent.code,
        name=sent.name,
        email=sent.email,
        account=(person.name or person.email) if person else "",
        log_in=address("log-in", request.url.path),
    )


async def accept_invitation(request: Request, sent: InvitationForm, *, desk: Desk) -> Response:
    """Join with the account of this browser, else make one; nobody is told whether an address had one already."""
    found = await who(request, desk)
    try:
        if found is not None:
            return await _join(request, sent, found.browser, desk=desk)
        return await _register(request, sent, desk=desk)
    except Refusal as refusal:
        return _shown(request, found.person if found else None, sent, refusal)


async def _join(request: Request, sent: InvitationForm, browser: BrowserSession, *, desk: Desk) -> Response:
    async with desk.database.transaction() as session:
        await organizations.accept_invitation(session, sent.code.strip(), caller=principal(browser))
    return message(request, "invitation-joined", has_link=False)


async def _register(request: Request, sent: InvitationForm, *, desk: Desk) -> Response:
    wanted = read(
        RegistrationIn,
        email=sent.email,
        password=sent.password,
        name=sent.name or None,
        invitation=sent.code.strip(),
    )
    language = rendering.choose_language(request)
    async with desk.database.transaction() as session:
        await accounts.register(
            session, wanted, passwords=desk.passwords, sealer=desk.sealer, accepted_languages=language
        )
    return message(request, "invitation-registered")
