"""Use cases of browsers: log one in and out, know who it is, show it forms and believe only these, give it a token."""

from datetime import timedelta
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from stoa_auth.api_keys.schemas import TokenOut
from stoa_auth.audit import service as audit
from stoa_auth.browsers import domain
from stoa_auth.browsers.domain import Browsers, BrowserSession, BrowserSessionIsOver
from stoa_auth.browsers.repository import BrowserRepository
from stoa_auth.keys.service import KeyRing
from stoa_auth.people import service as people
from stoa_auth.rendering import service as rendering
from stoa_auth.revocations import service as revocations
from stoa_auth.sessions import domain as sessions
from stoa_auth.sessions.models import BrowserCookie
from stoa_auth.sessions.opening import current_standing
from stoa_common import browser_cookies, clock
from stoa_common.browser_cookies import CSRF_FIELD, CSRF_HEADER, SESSION_COOKIE, VISIT_COOKIE
from stoa_common.database import Database, Session
from stoa_common.ids import new_id
from stoa_common.resources import Resources
from stoa_common.security import Principal

__all__ = [
    "BrowserSession",
    "BrowserSessionIsOver",
    "Browsers",
    "check_form",
    "exchange_cookie",
    "find_session",
    "get_session",
    "log_browser_in",
    "log_browser_out",
    "renew_cookie",
    "renew_cookie_of",
    "set_cookies",
    "show_form",
]


class Granted(Protocol):
    """What a log-in of whichever kind gave: a Grant of `open_session`, or tokens."""

    @property
    def refresh_token(self) -> str: ...


async def find_session(session: Session, request: Request) -> BrowserSession | None:
    """Who has logged in by the browser that asks; None for nobody."""
    text = _cookie(request, SESSION_COOKIE)
    found = await BrowserRepository(session).find(browser_cookies.digest(text)) if text else None
    if text is None or found is None:
        return None
    cookie, family, person = found
    if not domain.is_open(cookie, family, person, at=clock.now()):
        return None
    return BrowserSession(
        person_id=person.id,
        session_id=family.id,
        organization_id=family.organization_id,
        methods=family.methods,
        authenticated_at=family.authenticated_at,
        expires_at=min(cookie.expires_at, family.ends_at or cookie.expires_at),
        csrf_token=browser_cookies.csrf_token(text),
    )


async def get_session(session: Session, request: Request) -> BrowserSession:
    """Who has logged in by the browser that asks. Raises BrowserSessionIsOver."""
    found = await find_session(session, request)
    if found is None:
        raise BrowserSessionIsOver
    return found


async def set_cookies(request: Request, response: Response, database: Database, granted: Granted) -> None:
    """Log the browser in, by a cookie that nobody has had, after the commit of the log-in; what was before is over.

    The refresh token stays with us, known to nobody. Call it in no transaction of one's own.
    """
    browsers = _browsers(request)
    await _end(request, database)
    async with database.transaction() as session:
        text = await log_browser_in(session, granted, browsers=browsers)
    _delete(response, VISIT_COOKIE)
    _set(response, text, lasts=browsers.longest)


async def renew_cookie(request: Request, response: Response, database: Database) -> None:
    """Another cookie for the session, whose person has proved again who they are: what anybody else has got hold of
    opens nothing from now on (OWASP ASVS 5.0, 7.2.4). Call it in no transaction of one's own.
    """
    text = _cookie(request, SESSION_COOKIE)
    if text is None:
        return
    newer = browser_cookies.new_text()
    async with database.transaction() as session:
        ends = await BrowserRepository(session).replace(browser_cookies.digest(text), browser_cookies.digest(newer))
    # None: another tab has done so just now, and the browser keeps what that one was given.
    if ends is not None:
        _set(response, newer, lasts=ends - clock.now())


async def renew_cookie_of(request: Request, response: Response, database: Database, *, caller: Principal) -> None:
    """As `renew_cookie`, where the cookie that came is of the caller's own session, as it is from the gateway.

    Who shows a token of a browser's session alone, as a service that works for its person, gets nothing that lasts.
    """
    async with database.transaction() as session:
        browser = await find_session(session, request)
    if browser is not None and browser.session_id == caller.session_id:
        await renew_cookie(request, response, database)


def _set(response: Response, text: str, *, lasts: timedelta) -> None:
    seconds = int(lasts.total_seconds())
    response.set_cookie(SESSION_COOKIE, text, max_age=seconds, secure=True, httponly=True, samesite="lax")


async def log_browser_in(session: Session, granted: Granted, *, browsers: Browsers) -> str:
    """The text of a cookie for the session that was opened just now. Raises BrowserSessionIsOver."""
    repository, at = BrowserRepository(session), clock.now()
    refresh_hash = sessions.token_hash(granted.refresh_token)
    session_id = await repository.find_session_of(refresh_hash)
    if session_id is None:
        raise BrowserSessionIsOver
    text, ends = browser_cookies.new_text(), at + browsers.longest
    await repository.limit(session_id, refresh_hash, until=ends)
    idle_seconds = int(browsers.idle.total_seconds())
    hashed = browser_cookies.digest(text)
    repository.add(BrowserCookie(token_hash=hashed, session_id=session_id, expires_at=ends, idle_seconds=idle_seconds))
    return text


async def log_browser_out(request: Request, response: Response, database: Database) -> None:
    """End the session of the browser that asks, if it has one, and take its cookies away."""
    await _end(request, database)
    _delete(response, SESSION_COOKIE)
    _delete(response, VISIT_COOKIE)


async def _end(request: Request, database: Database) -> None:
    text = _cookie(request, SESSION_COOKIE)
    if text is None:
        return
    async with database.transaction() as session:
        repository = BrowserRepository(session)
        found = await repository.find(browser_cookies.digest(text))
        if found is not None and await repository.end(found[1].id, at=clock.now()):
            await revocations.revoke_session(session, found[1].id)
            audit.note(session, "session.end", actor=found[2].id, target=found[1].id)


def _delete(response: Response, name: str) -> None:
    response.delete_cookie(name, secure=True, httponly=True, samesite="lax")


def show_form(request: Request, template: str, *, title: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page with a form: `rendering.render` with `csrf` for its hidden field; a POST with it passes `check_form`."""
    text = _bound_to(request)
    shown = text or browser_cookies.new_text()
    csrf = browser_cookies.csrf_token(shown)
    response = rendering.render(request, template, title=title, status=status, csrf=csrf, **values)
    if text is None:
        response.set_cookie(VISIT_COOKIE, shown, secure=True, httponly=True, samesite="lax")
    return response


async def check_form(request: Request) -> None:
    """Believe a write only from a page of ours that this browser was shown: by where it came from, and by its token.

    The token is the form's `csrf`, or a script's X-CSRF-Token. Raises FormIsForeign, FormIsOutdated.
    """
    headers = request.headers
    origins = _browsers(request).origins
    if not origins.made(headers.get("origin"), headers.get("sec-fetch-site"), host=_host(request)):
        raise domain.FormIsForeign
    text = _bound_to(request)
    token = headers.get(CSRF_HEADER) or (await request.form()).get(CSRF_FIELD)
    if text is None or not isinstance(token, str) or not browser_cookies.is_csrf_token(token, text):
        raise domain.FormIsOutdated


async def exchange_cookie(database: Database, text: str, *, keys: KeyRing, issuer: str) -> TokenOut:
    """Trade a browser's cookie for an access token of a minute at most. Raises BrowserSessionIsOver."""
    at = clock.now()
    async with database.transaction() as session:
        grant, is_use_noted = await _grant(session, browser_cookies.digest(text))
    if not is_use_noted:
        # Apart: who holds the session with others and then wants to write it could wait in a circle.
        async with database.transaction() as session:
            await BrowserRepository(session).note_use(grant.session_id, at=at)
    # Signed when no connection is held.
    claims = sessions.claims(grant, issuer=issuer, ttl=domain.TOKEN_TTL, at=grant.issued_at, token_id=new_id())
    return TokenOut(access_token=await keys.sign(claims), expires_in=claims["exp"] - int(claims["iat"]))


async def _grant(session: Session, token_hash: bytes) -> tuple[sessions.Grant, bool]:
    """The person and the session are held, the person first: a token says what is true at its time."""
    repository = BrowserRepository(session)
    owner_id = await repository.find_owner(token_hash)
    owner = await people.find_and_hold_person(session, owner_id) if owner_id else None
    found = await repository.hold(token_hash)
    at = await revocations.get_time(session)
    if owner is None or found is None or not domain.is_open(*found, owner, at=at):
        raise BrowserSessionIsOver
    family = found[1]
    standing = await current_standing(session, family, owner)
    if standing is None:
        # They have left the organization that they acted for.
        raise BrowserSessionIsOver
    # A browser has no refresh token.
    grant = sessions.grant(family, standing, refresh_token="", issued_at=at)
    return grant, domain.is_use_noted(family, at=at)


def _bound_to(request: Request) -> str | None:
    """The text that this browser's forms are bound to: after a log-in, what was shown before is worth nothing."""
    return _cookie(request, SESSION_COOKIE) or _cookie(request, VISIT_COOKIE)


def _cookie(request: Request, name: str) -> str | None:
    return browser_cookies.find(request.headers.getlist("cookie"), name)


def _host(request: Request) -> str:
    """What the browser asked: the gateway drops a client's own X-Forwarded-Host and writes it."""
    return request.headers.get("x-forwarded-host") or request.headers.get("host", "")


def _browsers(request: Request) -> Browsers:
    resources: Resources = request.app.state.resources
    return resources.get(Browsers)
