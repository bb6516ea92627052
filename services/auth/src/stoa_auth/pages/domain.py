"""Rules of pages: where a log-in may lead, and what is wrong with a form."""

import re
from typing import Final
from urllib.parse import parse_qs, urlsplit

from stoa_auth.oauth.requests import LOGGED_IN_AFTER
from stoa_common.errors import Forbidden, Invalid

PAGES: Final = "/api/v1/auth/pages"
HOME: Final = f"{PAGES}/account"
#: In the address of a log-in page that asks for a password though an organization demands its provider.
BY_PASSWORD: Final = {"by": "password"}
_LONGEST: Final = 8000
#: One slash and no second one, which would name a host; a backslash counts as a slash, and browsers skip what is not
#: printable (WHATWG URL, sections 4.1 and 4.4).
_LOCAL: Final = re.compile(r"/(?![/\\])[!-\[\]-~]*", re.ASCII)


class EmailIsMalformed(Invalid):
    """What was typed is no e-mail address."""

    def __init__(self) -> None:
        super().__init__("This is no e-mail address. Write it like ada@example.org.")


class PasswordIsMalformed(Invalid):
    """A chosen password is too short or too long."""

    def __init__(self) -> None:
        super().__init__("Choose a longer password.")


class FormIsIncomplete(Invalid):
    """A field is empty, or holds more than it may."""

    def __init__(self) -> None:
        super().__init__("The form is not filled in as it should be.")


class NoWayToSignOn(Invalid):
    """No organization has proved the address's domain and connected a provider; whether it has an account is unsaid."""

    def __init__(self) -> None:
        super().__init__("No organization has a log-in service of its own for such addresses. Use your password.")


class ProviderProvesWho(Forbidden):
    """Who logged in by an organization's provider proves again there who they are."""

    def __init__(self) -> None:
        super().__init__("You logged in by your organization's log-in service: prove there again who you are.")


class OwnLogInIsNeeded(Forbidden):
    """An organization's provider speaks for that organization; what is the person's own is not for it to touch."""

    def __init__(self) -> None:
        super().__init__("Log in by your own password or passkey to change this.")


def destination(wanted: str | None) -> str:
    """Where a log-in leads: the path that was asked for, if it is one of this origin, else home.

    Anything that a browser could read as another origin's address is not followed (an open redirect, CWE-601).
    """
    return wanted if wanted and len(wanted) <= _LONGEST and _LOCAL.fullmatch(wanted) else HOME


def is_page(path: str) -> bool:
    """Whether it is a page of these, which redirects nowhere else."""
    return path.startswith(f"{PAGES}/")


def asks_anew(path: str) -> bool:
    """Whether an OAuth client waits there for a log-in that is newer than what a provider remembers."""
    return LOGGED_IN_AFTER in parse_qs(urlsplit(path).query)


def what_is_wrong(field: str, *, is_new_password: bool) -> Invalid:
    """Why a form is refused, by its first wrong field."""
    if field == "email":
        return EmailIsMalformed()
    return PasswordIsMalformed() if field == "password" and is_new_password else FormIsIncomplete()
