"""Rules of browsers: how long one stays logged in, and whose forms are believed."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from stoa_auth.people.service import Person
from stoa_auth.sessions.models import BrowserCookie, LoginSession
from stoa_common.browser_cookies import Origins
from stoa_common.errors import Forbidden, Unauthenticated

#: The longest life of a token that is given for a cookie.
TOKEN_TTL: Final = timedelta(seconds=60)
#: `last_used_at` is true to this much, so that a busy browser does not write each minute.
NOTED_EVERY: Final = timedelta(minutes=2)


class BrowserSessionIsOver(Unauthenticated):
    """The cookie opens nothing: unknown, expired, unused for too long or revoked; which of these stays unsaid."""

    def __init__(self) -> None:
        super().__init__("You are not logged in. Log in at /api/v1/auth/pages/log-in.", error="invalid_token")


class FormIsForeign(Forbidden):
    """A form came from a page that is not ours."""

    def __init__(self) -> None:
        super().__init__("This form came from another site. Open our page and fill it in there.")


class FormIsOutdated(Forbidden):
    """A form came without the token that it was shown with, or the browser has logged in or out since."""

    def __init__(self) -> None:
        super().__init__("This form is out of date, or the browser keeps no cookies. Open the page again.")


@dataclass(frozen=True, slots=True)
class Browsers:
    """How browsers are kept logged in, and where our pages are."""

    idle: timedelta
    longest: timedelta
    origins: Origins


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """Who has logged in by this browser, for which organization, how, and when."""

    person_id: UUID
    session_id: UUID
    organization_id: UUID | None
    methods: list[str]
    authenticated_at: datetime
    expires_at: datetime
    #: For forms and the X-CSRF-Token header.
    csrf_token: str = field(repr=False)

    @property
    def csrf(self) -> str:
        """The same, by its name in release 1.0 of the API."""
        return self.csrf_token


def is_open(cookie: BrowserCookie, session: LoginSession, person: Person, *, at: datetime) -> bool:
    """Whether the browser is still logged in."""
    used_at = session.last_used_at or session.opened_at
    ends = [cookie.expires_at, used_at + timedelta(seconds=cookie.idle_seconds)]
    if session.ends_at is not None:
        ends.append(session.ends_at)
    return session.revoked_at is None and person.suspended_at is None and at < min(ends)


def is_use_noted(session: LoginSession, *, at: datetime) -> bool:
    return session.last_used_at is not None and at - session.last_used_at < NOTED_EVERY
