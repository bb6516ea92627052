"""What ties an attempt to the browser that began it, and the provider's answer to the attempt.

The browser keeps a secret in a cookie (`browser_cookies.SIGN_ON_COOKIE`). `state` finds the attempt; nonce and PKCE's
verifier follow from both together, so a callback without the cookie (login CSRF: somebody else's answer, planted) comes
to nothing, and the database holds nothing that would help to finish an attempt.

Sources: RFC 9700, sections 2.1.1 and 4.7; RFC 7636 (PKCE); OpenID Connect Core 1.0, section 15.5.2 (nonce).
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from stoa_common import browser_cookies
from stoa_common.browser_cookies import SIGN_ON_COOKIE

LIFETIME: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Binding:
    """One attempt of one browser."""

    secret: str = field(repr=False)
    state: str = field(repr=False)

    @property
    def state_hash(self) -> bytes:
        return digest(self.state)

    @property
    def browser_hash(self) -> bytes:
        return digest(self.secret)

    @property
    def nonce(self) -> str:
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """43 characters of RFC 7636's alphabet."""
        return self._derived("verifier")

    def _derived(self, purpose: str) -> str:
        return _text(hmac.digest(self.secret.encode(), f"{purpose}.{self.state}".encode(), "sha256"))


def begin(cookie: str | None) -> Binding:
    """A new attempt; several tabs of one browser share its secret."""
    return Binding(cookie or browser_cookies.new_text(), secrets.token_urlsafe(32))


def find_secret(request: Request) -> str | None:
    """What the browser holds of an attempt that was begun in it."""
    return browser_cookies.find(request.headers.getlist("cookie"), SIGN_ON_COOKIE)


def keep_secret(response: Response, secret: str) -> None:
    """Let the browser hold what it comes back with."""
    # Lax: it has to come along when the provider sends the browser back.
    response.set_cookie(
        SIGN_ON_COOKIE,
        secret,
        max_age=int(LIFETIME.total_seconds()),
        secure=True,
        httponly=True,
        samesite="lax",
    )


def challenge(verifier: str) -> str:
    """PKCE's S256 (RFC 7636, section 4.2)."""
    return _text(hashlib.sha256(verifier.encode()).digest())


def fits(verifier: str, wanted: str) -> bool:
    return hmac.compare_digest(challenge(verifier).encode(), wanted.encode())


def digest(text: str) -> bytes:
    """What is kept of a secret of 256 random bits."""
    return hashlib.sha256(text.encode()).digest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
