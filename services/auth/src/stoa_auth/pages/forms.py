"""What every page is made of: who is at the browser, its form, the form again with what was wrong, that it is done."""

from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stoa_auth.accounts.passwords import Passwords
from stoa_auth.accounts.schemas import RegistrationIn
from stoa_auth.attempts.service import Limits
from stoa_auth.browsers import service as browsers
from stoa_auth.browsers.routing import tell
from stoa_auth.browsers.service import BrowserSession
from stoa_auth.credentials.schemas import ResetIn
from stoa_auth.factors.service import Guard
from stoa_auth.mail.service import MailSealer
from stoa_auth.pages import domain
from stoa_auth.pages.domain import PAGES
from stoa_auth.passkeys.service import RelyingParty
from stoa_auth.people import service as people
from stoa_auth.people.service import Person
from stoa_auth.rendering import service as rendering
from stoa_auth.sessions.service import Tokens
from stoa_auth.sign_on import service as sign_on
from stoa_common.database import Database
from stoa_common.errors import Refusal
from stoa_common.security import Principal

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Desk:
    """With what pages do their work."""

    database: Database
    passwords: Passwords
    tokens: Tokens
    limits: Limits
    sealer: MailSealer
    guard: Guard
    party: RelyingParty
    sign_on: sign_on.Desk


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """Who is at the browser."""

    browser: BrowserSession
    person: Person


async def who(request: Request, desk: Desk) -> LoggedIn | None:
    """Who has logged in by the browser that asks; None for nobody."""
    async with desk.database.transaction() as session:
        browser = await browsers.find_session(session, request)
        return LoggedIn(browser, await people.get_person(session, browser.person_id)) if browser else None


def principal(browser: BrowserSession) -> Principal:
    """The browser's person, who may do nothing by it but what is everybody's."""
    return Principal(
        person_id=browser.person_id,
        organization=browser.organization_id,
        session_id=browser.session_id,
        roles=frozenset(),
        permissions=frozenset(),
        expires_at=browser.expires_at.timestamp(),
        methods=frozenset(browser.methods),
        authenticated_at=browser.authenticated_at.timestamp(),
    )


def form(request: Request, template: str, *, title: str, refusal: Refusal | None = None, **values: Any) -> Response:
    """A form, or the form again with what was wrong with it."""
    if refusal is None:
        return browsers.show_form(request, template, title=title, **values)
    # A page asks for no token, as 401 would say.
    status = 422 if refusal.status == 401 else refusal.status
    page = browsers.show_form(request, template, title=title, status=status, problem=tell(request, refusal), **values)
    if retry_after := refusal.headers.get("Retry-After"):
        page.headers["Retry-After"] = retry_after
    return page


def message(request: Request, area: str, *, has_link: bool = True) -> Response:
    """That it is done, and the way to the log-in."""
    return rendering.render(
        request,
        "message.html",
        title=f"{area}.done-title",
        message=rendering.say(request, f"{area}.done"),
        link=f"{PAGES}/log-in" if has_link else None,
        link_text=rendering.say(request, "page.to-log-in"),
    )


def address(page: str, wanted: str | None, **more: str) -> str:
    """A page's address; where the log-in leads goes along, and what else stands in its query."""
    query = urlencode(({"next": wanted} if wanted else {}) | more)
    return f"{PAGES}/{page}" + (f"?{query}" if query else "")


def redirect(target: str) -> Response:
    """On to another page of ours."""
    return RedirectResponse(target, 303, headers={"Cache-Control": "no-store"})


def onward(request: Request, wanted: str | None, *, title: str) -> Response:
    """On to where somebody wanted to go: a page that goes on by itself, where browsers would stop a redirect."""
    target = domain.destination(wanted)
    return (
        redirect(target)
        if domain.is_page(target)
        else rendering.render(request, "continue.html", title=title, next=target)
    )


def read(model: type[M], **values: object) -> M:
    """Raises EmailIsMalformed, PasswordIsMalformed, FormIsIncomplete."""
    try:
        return model(**values)
    except ValidationError as error:
        field = str(error.errors(include_input=False)[0]["loc"][0])
        raise domain.what_is_wrong(field, is_new_password=model in (ResetIn, RegistrationIn)) from None
