"""Sign-on over HTTP, as browsers and apps go through it, and a person's own identities."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response, status
from fastapi.responses import RedirectResponse

from stoa_auth.browsers import service as browsers
from stoa_auth.browsers.routing import PageRouter
from stoa_auth.sessions.schemas import TokensOut
from stoa_auth.sessions.service import Tokens
from stoa_auth.sign_on import binding, identities, service, ways
from stoa_auth.sign_on.desk import PATH, Desk
from stoa_auth.sign_on.schemas import LONGEST_RETURN, CodeIn, Domain, IdentityOut, LinkIn, LinkOut, WayOut
from stoa_auth.sign_on.service import Callback, Journey
from stoa_common.database import DatabaseDep, SessionDep
from stoa_common.http import Router, public, require
from stoa_common.pages import Page, PageQuery
from stoa_common.resources import resource
from stoa_common.security import Caller

#: Who looks at these is a person in front of a browser: refusals are pages.
pages = PageRouter(prefix=PATH, tags=["sign-on"])
router = Router(prefix=PATH, tags=["sign-on"])
own = Router(prefix="/api/v1/auth/me/identities", tags=["sign-on"])
DeskDep = Annotated[Desk, resource(Desk)]
TokensDep = Annotated[Tokens, resource(Tokens)]
#: The address of a callback has a code in it.
_PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
ReturnTo = Annotated[
    str | None, Query(max_length=LONGEST_RETURN, description="A path of this origin, for the browser afterwards.")
]
AppLink = Annotated[
    str | None,
    Query(max_length=2000, description="Instead: an app's link, which gets a code. One of AUTH_SIGN_ON_APP_LINKS."),
]
Challenge = Annotated[
    str | None, Query(pattern=r"^[A-Za-z0-9_-]{43}$", description="With an app's link: PKCE's challenge, by S256.")
]
AppState = Annotated[
    str | None, Query(pattern=r"^[\x20-\x7e]{0,500}$", description="With an app's link: comes back with the code.")
]
Afresh = Annotated[bool, Query(description="Let the provider ask for a proof, though it knows the person.")]
#: Whatever a provider writes into an address.
_Word = Annotated[str | None, Query(max_length=4000)]


@router.get("", response_model=Page[WayOut], **public())
async def list_ways(
    session: SessionDep, desk: DeskDep, domain: Annotated[Domain, Query(description="What follows the @.")]
) -> Page[WayOut]:
    """How people with an address of this domain can log in by their organization's provider."""
    return Page(items=await ways.list_ways(session, domain, desk=desk), next=None)


@pages.get(
    "/{connection_id}",
    status_code=status.HTTP_303_SEE_OTHER,
    response_class=RedirectResponse,
    **public(takes_cookie=True),
)
async def begin_sign_on(
    connection_id: UUID,
    request: Request,
    database: DatabaseDep,
    desk: DeskDep,
    return_to: ReturnTo = None,
    app_link: AppLink = None,
    code_challenge: Challenge = None,
    state: AppState = None,
    afresh: Afresh = False,
) -> Response:
    """Send the browser to the organization's provider, with a cookie that only this browser comes back with."""
    journey = Journey(return_to, app_link, state, code_challenge, afresh=afresh)
    departure = await service.begin(database, connection_id, journey, desk=desk, cookie=binding.find_secret(request))
    response = RedirectResponse(departure.url, status.HTTP_303_SEE_OTHER, _PRIVATE)
    binding.keep_secret(response, departure.cookie)
    return response


@pages.get(
    "/{connection_id}/callback",
    status_code=status.HTTP_303_SEE_OTHER,
    response_class=RedirectResponse,
    **public(takes_cookie=True),
)
async def finish_sign_on(
    connection_id: UUID,
    request: Request,
    database: DatabaseDep,
    desk: DeskDep,
    tokens: TokensDep,
    state: _Word = None,
    code: _Word = None,
    error: Annotated[str | None, Query(max_length=200)] = None,
    iss: _Word = None,
) -> Response:
    """Where the provider sends the browser back to: who it vouches for is logged in, or linked, and goes on."""
    callback = Callback(state or "", code, error, iss)
    secret = binding.find_secret(request)
    arrival = await service.finish(database, connection_id, callback, desk=desk, tokens=tokens, cookie=secret)
    response = RedirectResponse(arrival.location, status.HTTP_303_SEE_OTHER, _PRIVATE)
    if arrival.grant is not None:
        await browsers.set_cookies(request, response, database, arrival.grant)
    return response


@router.post("/tokens", response_model=TokensOut, **public())
async def trade_code(wanted: CodeIn, response: Response, database: DatabaseDep, tokens: TokensDep) -> TokensOut:
    """Trade the code that a sign-on sent an app for tokens; once, and within a minute."""
    response.headers.update(_PRIVATE)
    return await service.trade(database, wanted.code, wanted.code_verifier, tokens=tokens)


@own.post("", response_model=LinkOut, **require("account:write", keeps_answer=False, recent=True))
async def link_identity(
    wanted: LinkIn, request: Request, response: Response, database: DatabaseDep, desk: DeskDep, caller: Caller
) -> LinkOut:
    """Begin to link an identity at an organization's provider with one's account, in this browser.

    By it one can then log in to that organization, and becomes its member where the connection admits newcomers.
    """
    secret = binding.find_secret(request)
    departure = await identities.begin_link(database, wanted, desk=desk, caller=caller, cookie=secret)
    response.headers.update(_PRIVATE)
    binding.keep_secret(response, departure.cookie)
    return LinkOut(url=departure.url)


@own.get("", response_model=Page[IdentityOut], **require("account:read"))
async def list_identities(session: SessionDep, caller: Caller, window: PageQuery) -> Page[IdentityOut]:
    """The identities at providers that log in to one's account, the oldest first."""
    return await identities.list_identities(session, window, caller=caller)


@own.delete("/{identity_id}", status_code=status.HTTP_204_NO_CONTENT, **require("account:write", recent=True))
async def unlink_identity(identity_id: UUID, session: SessionDep, caller: Caller) -> None:
    """Let an identity log in to one's account no more; a password can always be set by mail."""
    await identities.unlink(session, identity_id, caller=caller)
