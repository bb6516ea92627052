"""Rules of authorization codes: bound to client, redirect URI, browser's session and PKCE; good once, for a minute."""

import base64
import hashlib
import hmac
import re
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from stoa_auth.oauth.models import AuthorizationCode, OAuthClient
from stoa_auth.oauth.refusals import GrantIsNotGood, OAuthRefusal

TTL: Final = timedelta(seconds=60)
#: A used code is kept this long, so that a second use is seen as one.
KEPT: Final = timedelta(days=1)
#: RFC 7636, section 4.1.
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class CodeWasReused(GrantIsNotGood):
    """The code was used before. What came from it ends: one of the two who used it is a thief (RFC 6749, 10.5)."""


def digest(code: str) -> bytes:
    """What is kept of a code: it has 256 random bits, so a plain SHA-256 is enough."""
    return hashlib.sha256(code.encode("utf-8", errors="replace")).digest()


def use(
    code: AuthorizationCode,
    client: OAuthClient,
    *,
    redirect_uri: str | None,
    verifier: str | None,
    is_browser_open: bool,
    at: datetime,
) -> OAuthRefusal | None:
    """Use a code up, or say why not. The refusal is a result: what a reused code ends must be kept.

    Only the code's own client can reuse it, so that nobody ends what is another's. A failed try uses nothing up: who
    caught a code, and lacks its verifier, could otherwise keep the client from its own.
    """
    if code.client_id != client.id:
        return GrantIsNotGood()
    if code.used_at is not None:
        return CodeWasReused()
    is_bound = redirect_uri == code.redirect_uri and matches(verifier or "", code.challenge)
    if code.expires_at <= at or not is_bound or not is_browser_open:
        return GrantIsNotGood()
    code.used_at = at
    return None


def matches(verifier: str, challenge: str) -> bool:
    """S256 alone (RFC 7636, section 4.6)."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(made, challenge)


def new_code(
    text: str,
    *,
    client_id: UUID,
    person_id: UUID,
    organization_id: UUID | None,
    browser_session_id: UUID,
    redirect_uri: str,
    scopes: list[str],
    challenge: str,
    nonce: str | None,
    methods: list[str],
    authenticated_at: datetime,
    at: datetime,
) -> AuthorizationCode:
    return AuthorizationCode(
        code_hash=digest(text),
        client_id=client_id,
        person_id=person_id,
        organization_id=organization_id,
        browser_session_id=browser_session_id,
        redirect_uri=redirect_uri,
        scopes=scopes,
        challenge=challenge,
        nonce=nonce,
        methods=methods,
        authenticated_at=authenticated_at,
        expires_at=at + TTL,
    )
