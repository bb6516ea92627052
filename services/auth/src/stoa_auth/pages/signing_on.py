"""Use cases of the way from the log-in page to an organization's provider.

What an address leads to follows from its domain alone, whether or not it has an account.
"""

from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from stoa_auth.browsers import service as browsers
from stoa_auth.pages import domain
from stoa_auth.pages.domain import BY_PASSWORD
from stoa_auth.pages.forms import Desk, address, form, read
from stoa_auth.pages.schemas import AddressIn, EmailForm
from stoa_auth.sign_on import service as providers
from stoa_auth.sign_on.schemas import WayOut
from stoa_common.errors import Refusal


def show_sign_on(request: Request, wanted: str | None, *, email: str = "", refusal: Refusal | None = None) -> Response:
    return form(
        request,
        "sign_on.html",
        title="sign-on.title",
        refusal=refusal,
        action=address("sign-on", wanted),
        log_in=address("log-in", wanted),
        email=email,
    )


async def sign_on(request: Request, sent: EmailForm, wanted: str | None, *, desk: Desk) -> Response:
    """Show the ways of the address's organization; who came with nothing typed is asked for the address first."""
    if not sent.email.strip():
        return show_sign_on(request, wanted)
    try:
        email = read(AddressIn, email=sent.email).email
        ways = await _find_ways(email, desk=desk)
        if not ways:
            raise domain.NoWayToSignOn
    except Refusal as refusal:
        return show_sign_on(request, wanted, email=sent.email, refusal=refusal)
    return _show_ways(request, email, ways, wanted, is_demanded=any(way.required for way in ways))


async def find_demanded(email: str, *, desk: Desk) -> list[WayOut]:
    """The ways of the address's organization, where it demands one; it costs the same for every address of a domain."""
    return [way for way in await _find_ways(email, desk=desk) if way.required]


async def _find_ways(email: str, *, desk: Desk) -> list[WayOut]:
    async with desk.database.transaction() as session:
        return await providers.list_ways_for_email(session, email, desk=desk.sign_on)


def show_demanded(request: Request, email: str, ways: Sequence[WayOut], wanted: str | None) -> Response:
    """In place of a log-in by a password, which opens nothing there but for owners."""
    return _show_ways(request, email, ways, wanted, is_demanded=True)


def _show_ways(
    request: Request, email: str, ways: Sequence[WayOut], wanted: str | None, *, is_demanded: bool
) -> Response:
    return browsers.show_form(
        request,
        "sign_on_ways.html",
        title="sign-on.title",
        domain=email.rpartition("@")[2],
        is_demanded=is_demanded,
        ways=links(ways, wanted, is_afresh=wanted is not None and domain.asks_anew(wanted)),
        log_in=address("log-in", wanted, **BY_PASSWORD if is_demanded else {}),
    )


def links(ways: Sequence[WayOut], wanted: str | None, *, is_afresh: bool) -> list[tuple[str, str]]:
    """Names of providers and where browsers go to them; `is_afresh`: each asks for a proof though it knows the person.

    Links and no redirects: browsers hold a form's redirects, to wherever they lead, against form-action.
    """
    query = {"return_to": domain.destination(wanted)} | ({"afresh": "true"} if is_afresh else {})
    return [(way.name, f"{way.log_in_url}?{urlencode(query)}") for way in ways]
