"""How a browser shows that it has logged in: a cookie, and beside it what no other site can send.

The cookie is `__Host-` (RFC 6265bis, section 4.1.3.2): only this very host could set it, over TLS, for all paths. Its
text has 256 random bits, so a plain SHA-256 of it is enough to keep.

A CSRF token is `<nonce>.<HMAC-SHA256 of the nonce under the cookie's text>` (OWASP's signed double submit, bound to the
session). Whoever can neither read nor set the cookie can't make one; nobody has to remember one; and the gateway checks
it without asking.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

SESSION_COOKIE: Final = "__Host-stoa-session"
#: Of a browser that has not logged in yet: binds the forms that it is shown.
VISIT_COOKIE: Final = "__Host-stoa-visit"
LANGUAGE_COOKIE: Final = "__Host-stoa-language"
#: Of a browser that is on its way to an organization's provider: nobody else's answer is taken from it.
SIGN_ON_COOKIE: Final = "__Host-stoa-sign-on"
#: What only auth's own pages are sent.
OUR_COOKIES: Final = frozenset({SESSION_COOKIE, VISIT_COOKIE, LANGUAGE_COOKIE, SIGN_ON_COOKIE})
CSRF_HEADER: Final = "X-CSRF-Token"
CSRF_FIELD: Final = "csrf"
#: Methods that change nothing (RFC 9110, section 9.2.1).
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_TEXT: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_TOKEN: Final = re.compile(r"([A-Za-z0-9_-]{22})\.([0-9a-f]{64})", re.ASCII)


def new_text() -> str:
    """A cookie's text that nobody has had."""
    return secrets.token_urlsafe(32)


def is_text(value: str) -> bool:
    """Whether it can be the text of one of our cookies; most of what strangers make up can't."""
    return _TEXT.fullmatch(value) is not None


def digest(text: str) -> bytes:
    """What is kept of a cookie, and what it is known by in memory."""
    return hashlib.sha256(text.encode("utf-8", errors="replace")).digest()


def csrf_token(text: str) -> str:
    """A token for the browser that holds a cookie with this text; each call gives another one."""
    nonce = secrets.token_urlsafe(16)
    return f"{nonce}.{_mac(text, nonce)}"


def is_csrf_token(token: str, text: str) -> bool:
    """Whether the token was made for the browser that holds a cookie with this text."""
    found = _TOKEN.fullmatch(token)
    return found is not None and hmac.compare_digest(found[2], _mac(text, found[1]))


def _mac(text: str, nonce: str) -> str:
    return hmac.new(text.encode(), f"stoa csrf {nonce}".encode(), hashlib.sha256).hexdigest()


def origin_of(url: str) -> str:
    """`https://stoa.example/x` -> `https://stoa.example`, as a browser writes an Origin (RFC 6454); "" for no URL."""
    parts = urlsplit(url)
    if not parts.scheme or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = {"https": 443, "http": 80}.get(parts.scheme)
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in (None, default) else "")


@dataclass(frozen=True, slots=True)
class Origins:
    """Whose pages may act for the person who has logged in: our own origin's, and those of others that we name.

    Without an origin of our own it is the host that was asked; its scheme is not compared, since TLS may end before
    us, and a page of plain http has not got the cookie anyway.
    """

    own: str = ""
    others: frozenset[str] = frozenset()

    def has(self, origin: str, *, host: str) -> bool:
        """Whether an `Origin` is one of them; `host` is what the request was sent to."""
        if origin in self.others:
            return True
        return origin == self.own if self.own else bool(host) and urlsplit(origin).netloc.lower() == host.lower()

    def made(self, origin: str | None, site: str | None, *, host: str) -> bool:
        """Whether one of their pages made a request: it says so by `Origin`, without that by `Sec-Fetch-Site`.

        Browsers send the first with every form and every write, and a page's script can write neither.
        """
        return site == "same-origin" if origin is None else self.has(origin, host=host)


def parse(headers: Iterable[str]) -> list[tuple[str, str]]:
    """Names and values of `Cookie` headers, in their order; a name may come twice."""
    pairs = (part.strip().partition("=") for header in headers for part in header.split(";"))
    return [(name.strip(), value) for name, _, value in pairs if name.strip()]


def find(headers: Iterable[str], name: str) -> str | None:
    """The one cookie of this name, if it can be one of ours. None where it came twice: one of them is not ours."""
    found = [value for known, value in parse(headers) if known == name]
    return found[0] if len(found) == 1 and is_text(found[0]) else None


def without_ours(header: str) -> str:
    """A `Cookie` header without what is ours."""
    return "; ".join(f"{name}={value}" for name, value in parse([header]) if name not in OUR_COOKIES)
