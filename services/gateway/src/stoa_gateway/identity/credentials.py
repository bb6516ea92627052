"""What a request shows of who is asking, beside an access token: API keys, and the cookie of a browser.

Neither goes on as it came: what of it services may see is decided here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from stoa_common import api_keys, browser_cookies
from stoa_common.browser_cookies import CSRF_HEADER, SAFE_METHODS, SESSION_COOKIE, Origins
from stoa_common.errors import Forbidden, Unauthenticated

Headers = list[tuple[bytes, bytes]]
_COOKIE: Final = b"cookie"
_SHOWING: Final = frozenset({b"authorization", b"x-api-key"})


class ApiKeyIsNotValid(Unauthenticated):
    """The text opens no key: unknown, mistyped, replaced, expired or revoked; which of these stays unsaid."""

    def __init__(self) -> None:
        message = "This API key is not valid: unknown, mistyped, replaced, expired or revoked. Make a new one."
        super().__init__(message, error="invalid_token")


class BrowserSessionIsOver(Unauthenticated):
    """The cookie opens nothing: unknown, expired, unused for too long or revoked; which of these stays unsaid."""

    def __init__(self) -> None:
        super().__init__("You are not logged in any more. Log in at /api/v1/auth/pages/log-in.", error="invalid_token")


class TwoCredentials(Unauthenticated):
    """The gateway and the service could otherwise look at different ones."""

    def __init__(self) -> None:
        super().__init__("Send one credential: Authorization: Bearer <token or API key>, or X-API-Key.")


class RequestIsForeign(Forbidden):
    """A page of another origin asked in the name of who has logged in by this browser."""

    def __init__(self) -> None:
        super().__init__("Pages of this origin may not ask by the browser's log-in: use an access token.")


class CsrfTokenIsWrong(Forbidden):
    """A browser's write came without the token that only a page of ours can know."""

    def __init__(self) -> None:
        super().__init__(f"Send {CSRF_HEADER} with the token that GET /api/v1/auth/browser-session tells.")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of credential: how token exchange calls it (RFC 8693), and how one that opens nothing is refused."""

    token_type: str
    refusal: Callable[[], Unauthenticated]


API_KEY: Final = Kind("urn:stoa:token-type:api-key", ApiKeyIsNotValid)
COOKIE: Final = Kind("urn:stoa:token-type:session-cookie", BrowserSessionIsOver)


@dataclass(frozen=True, slots=True)
class Credential:
    """Something that auth gives an access token for."""

    kind: Kind
    text: str


def split_keys(headers: Headers) -> tuple[list[str], Headers]:
    """The API keys that a request shows, and its other headers. Mistyped ones count, as they hold a secret too."""
    shown = [key for header in headers if header[0] in _SHOWING and (key := _key_in(header)) is not None]
    return shown, [header for header in headers if _key_in(header) is None] if shown else headers


def _key_in(header: tuple[bytes, bytes]) -> str | None:
    name, value = header[0], header[1].decode("latin-1").strip()
    if name == b"x-api-key":
        return value
    if name != b"authorization" or not any(api_keys.is_meant_as_key(word) for word in value.split()):
        return None
    scheme, _, rest = value.partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else ""


def find_cookie(headers: Headers) -> str | None:
    """The text of the browser's session cookie, if it can be one."""
    shown = [value.decode("latin-1") for name, value in headers if name == _COOKIE]
    return browser_cookies.find(shown, SESSION_COOKIE) if shown else None


def without_our_cookies(headers: Headers) -> Headers:
    """The headers without the cookies that are auth's pages' alone; those of others stay."""
    if all(name != _COOKIE for name, _ in headers):
        return headers
    stripped = [(name, _stripped(value) if name == _COOKIE else value) for name, value in headers]
    return [(name, value) for name, value in stripped if value or name.lower() != _COOKIE]


def _stripped(value: bytes) -> bytes:
    return browser_cookies.without_ours(value.decode("latin-1")).encode("latin-1")


def is_foreign(headers: Headers, *, origins: Origins) -> bool:
    """Whether a page says that it is of an origin that may not ask by the browser's log-in."""
    origin = _one(headers, b"origin")
    return origin is not None and not origins.has(origin, host=_one(headers, b"host") or "")


def check_browser(method: str, headers: Headers, cookie: str, *, origins: Origins) -> None:
    """Whether a request by the cookie is a page's of ours. Raises RequestIsForeign, CsrfTokenIsWrong.

    What only reads is believed without an Origin: its answer can't be read by other origins' pages.
    """
    if method in SAFE_METHODS:
        if is_foreign(headers, origins=origins):
            raise RequestIsForeign
        return
    origin, site, host = (_one(headers, name) for name in (b"origin", b"sec-fetch-site", b"host"))
    if not origins.made(origin, site, host=host or ""):
        raise RequestIsForeign
    token = _one(headers, CSRF_HEADER.lower().encode())
    if token is None or not browser_cookies.is_csrf_token(token, cookie):
        raise CsrfTokenIsWrong


def _one(headers: Headers, wanted: bytes) -> str | None:
    """The header's value; where it came more than once nothing is believed of it."""
    found = [value.decode("latin-1") for name, value in headers if name == wanted]
    return None if not found else found[0] if len(found) == 1 else ""
