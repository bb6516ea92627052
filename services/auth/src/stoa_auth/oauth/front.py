"""Where a client sends people's browsers: to authorize it, and to log out."""

from typing import Annotated, Any, Literal
from urllib.parse import urlencode, urlsplit

from fastapi import Form, Query, Request
from starlette.responses import RedirectResponse, Response

from stoa_auth.browsers import service as browsers
from stoa_auth.browsers.routing import PageRouter
from stoa_auth.keys.service import KeyRing
from stoa_auth.oauth import authorizing, leaving, requests
from stoa_auth.oauth.authorizing import AskPerson, LogInFirst, SendTo, Step
from stoa_auth.rendering import service as rendering
from stoa_auth.settings import Settings
from stoa_common.database import DatabaseDep, SessionDep
from stoa_common.http import Router, public
from stoa_common.resources import resource

PATH = "/api/v1/auth"
LOG_IN = f"{PATH}/pages/log-in"
router = PageRouter(prefix=PATH, tags=["oauth"])
#: What other sites may post to us. It does nothing, and has no cookie.
posted = Router(prefix=PATH, tags=["oauth"])
SettingsDep = Annotated[Settings, resource(Settings)]
KeyRingDep = Annotated[KeyRing, resource(KeyRing)]
#: A code stands in the address that these lead to.
_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
_ELSEWHERE: dict[int | str, dict[str, Any]] = {303: {"description": "On to the page that answers browsers."}}


@router.get("/authorize", **public(takes_cookie=True))
async def authorize(
    request: Request,
    session: SessionDep,
    settings: SettingsDep,
    client_id: Annotated[str, Query()] = "",  # noqa: ARG001  # for the document: all are read from the query itself
    redirect_uri: Annotated[str, Query()] = "",  # noqa: ARG001
    response_type: Annotated[str, Query(examples=["code"])] = "",  # noqa: ARG001
    code_challenge: Annotated[str, Query()] = "",  # noqa: ARG001
    code_challenge_method: Annotated[str, Query(examples=["S256"])] = "",  # noqa: ARG001
    scope: Annotated[str, Query()] = "",  # noqa: ARG001
    state: Annotated[str, Query()] = "",  # noqa: ARG001
    nonce: Annotated[str, Query()] = "",  # noqa: ARG001
    prompt: Annotated[str, Query(examples=["none", "login", "consent"])] = "",  # noqa: ARG001
    max_age: Annotated[str, Query(description="Seconds.")] = "",  # noqa: ARG001
) -> Response:
    """Ask the person who sits at this browser to let a client act for them (RFC 6749, OpenID Connect; with PKCE)."""
    pairs = requests.parse(_query(request))
    browser = await browsers.find_session(session, request)
    return _shown(request, await authorizing.begin(session, pairs, browser, issuer=settings.issuer))


@router.post("/authorize/decision", **public(takes_cookie=True))
async def decide_authorization(
    asked: Annotated[str, Form(alias="request", max_length=10_000)],
    decision: Annotated[Literal["allow", "deny"], Form()],
    request: Request,
    session: SessionDep,
    settings: SettingsDep,
) -> Response:
    """What the person said on the page that asked them."""
    pairs = requests.parse(asked)
    browser = await browsers.find_session(session, request)
    allows = decision == "allow"
    return _shown(request, await authorizing.decide(session, pairs, browser, allows=allows, issuer=settings.issuer))


def _shown(request: Request, step: Step) -> Response:
    if isinstance(step, SendTo):
        return _redirect(step.url)
    if isinstance(step, LogInFirst):
        return _redirect(f"{LOG_IN}?{urlencode({'next': f'{PATH}/authorize?{step.query}'})}")
    return _question(request, step)


def _question(request: Request, step: AskPerson) -> Response:
    target = step.wanted.target
    parts = urlsplit(target.redirect_uri)
    query = _query(request)
    return browsers.show_form(
        request,
        "consent.html",
        title="consent.title",
        client_name=target.client.name,
        scopes=step.wanted.scopes,
        account=step.account,
        leads_to=[requests.origin(target.redirect_uri)],
        leads_to_host=parts.netloc or parts.scheme,
        action=f"{PATH}/authorize/decision",
        fields={"request": query},
    )


@posted.post("/authorize", responses=_ELSEWHERE, **public())
async def authorize_by_form(request: Request) -> Response:
    """The same by a form (OpenID Connect Core, 3.1.2.1): it goes on as a link, for which browsers send cookies."""
    return await _as_link(request, f"{PATH}/authorize")


@posted.post("/end-session", operation_id="log_out_by_client_form", responses=_ELSEWHERE, **public())
@posted.get("/end-session", operation_id="log_out_by_client", responses=_ELSEWHERE, **public())
async def log_out_by_client(request: Request) -> Response:
    """A client logs the person at this browser out (OpenID Connect RP-Initiated Logout 1.0)."""
    return await _as_link(request, f"{PATH}/end-session/confirm")


async def _as_link(request: Request, path: str) -> Response:
    form = [(name, value) for name, value in (await request.form()).multi_items() if isinstance(value, str)]
    query = urlencode(form) if request.method == "POST" else _query(request)
    return _redirect(f"{path}?{query}")


@router.get("/end-session/confirm", **public(takes_cookie=True))
async def ask_to_log_out(
    request: Request, session: SessionDep, database: DatabaseDep, keys: KeyRingDep, settings: SettingsDep
) -> Response:
    """Ask whether to log out, where the client does not show that it knows who is logged in."""
    browser = await browsers.find_session(session, request)
    pairs = requests.parse(_query(request))
    planned = await leaving.plan(session, pairs, browser, keys=keys, issuer=settings.issuer)
    if not planned.is_asked:
        return await _left(request, database, planned.url)
    leads_to = [requests.origin(planned.url)] if planned.url else []
    return browsers.show_form(request, "log_out.html", title="log-out.title", leads_to=leads_to)


@router.post("/end-session/confirm", **public(takes_cookie=True))
async def confirm_log_out(
    request: Request, session: SessionDep, database: DatabaseDep, keys: KeyRingDep, settings: SettingsDep
) -> Response:
    """Log out, and go where the client may send people."""
    pairs = requests.parse(_query(request))
    planned = await leaving.plan(session, pairs, None, keys=keys, issuer=settings.issuer)
    return await _left(request, database, planned.url)


async def _left(request: Request, database: DatabaseDep, url: str | None) -> Response:
    response = _redirect(url) if url else _goodbye(request)
    await browsers.log_browser_out(request, response, database)
    return response


def _goodbye(request: Request) -> Response:
    message = rendering.say(request, "log-out.done")
    return rendering.render(request, "message.html", title="log-out.done-title", message=message, link=None)


def _query(request: Request) -> str:
    """As it was sent: what is no UTF-8 is refused where it is read."""
    raw: bytes = request.scope["query_string"]
    return raw.decode("latin-1")


def _redirect(url: str) -> Response:
    return RedirectResponse(url, status_code=303, headers=_HEADERS)
