"""Use cases of the page with the identities at organizations' providers that log in to the account of this browser."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from stoa_auth.pages import domain
from stoa_auth.pages.forms import Desk, LoggedIn, address, form, principal, redirect, who
from stoa_auth.pages.schemas import IdentitiesForm
from stoa_auth.rendering import service as rendering
from stoa_auth.sessions.domain import FEDERATED
from stoa_auth.sign_on import binding
from stoa_auth.sign_on import identities as linked
from stoa_auth.sign_on import ways as providers
from stoa_auth.sign_on.models import Identity
from stoa_auth.sign_on.schemas import LinkIn
from stoa_common.errors import Refusal
from stoa_common.security import AuthenticationIsTooOld

_PAGE = address("identities", None)


async def show_identities(request: Request, *, desk: Desk) -> Response:
    found = await who(request, desk)
    if found is None:
        return redirect(address("log-in", _PAGE))
    return await _shown(request, found, desk=desk)


async def _shown(request: Request, found: LoggedIn, *, desk: Desk, refusal: Refusal | None = None) -> Response:
    person = found.person
    async with desk.database.transaction() as session:
        identities = await providers.list_identities_of(session, person.id)
        others = await providers.list_other_ways(session, person.id, person.email, desk=desk.sign_on)
    return form(
        request,
        "identities.html",
        title="identities.title",
        refusal=refusal,
        action=_PAGE,
        identities=[_row(each, name, desk=desk) for each, name in identities],
        # Operators stand above organizations: none of these says who they are.
        others=[] if person.operator else [(way.id, way.name) for way in others],
        may_change=FEDERATED not in found.browser.methods,
        log_in=address("log-in", _PAGE),
    )


def _row(identity: Identity, name: str, *, desk: Desk) -> dict[str, object]:
    leads = f"{desk.sign_on.log_in_url(identity.connection_id)}?{urlencode({'return_to': domain.HOME})}"
    return {"id": identity.id, "name": name, "day": identity.linked_at.date().isoformat(), "log_in": leads}


async def change_identities(request: Request, sent: IdentitiesForm, *, desk: Desk) -> Response:
    """Link or unlink one; who has not proved lately who they are does so first, and comes back."""
    found = await who(request, desk)
    if found is None:
        return redirect(address("log-in", _PAGE))
    try:
        return await _change(request, sent, found, desk=desk)
    except AuthenticationIsTooOld:
        return redirect(address("step-up", _PAGE))
    except Refusal as refusal:
        return await _shown(request, found, desk=desk, refusal=refusal)


async def _change(request: Request, sent: IdentitiesForm, found: LoggedIn, *, desk: Desk) -> Response:
    caller = principal(found.browser)
    if FEDERATED in caller.methods:
        raise domain.OwnLogInIsNeeded
    caller.require_recent()
    if sent.unlink is not None:
        async with desk.database.transaction() as session:
            await linked.unlink(session, sent.unlink, caller=caller)
        return redirect(_PAGE)
    if sent.link is None:
        raise domain.FormIsIncomplete
    return await _go_and_link(request, LinkIn(connection_id=sent.link, return_to=_PAGE), found, desk=desk)


async def _go_and_link(request: Request, wanted: LinkIn, found: LoggedIn, *, desk: Desk) -> Response:
    """To the provider by a page that goes on by itself, since browsers stop a form's redirect to another site."""
    departure = await linked.begin_link(
        desk.database,
        wanted,
        desk=desk.sign_on,
        caller=principal(found.browser),
        cookie=binding.find_secret(request),
    )
    page = rendering.render(request, "leaving.html", title="leaving.title", next=departure.url)
    binding.keep_secret(page, departure.cookie)
    return page
