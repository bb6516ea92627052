"""Credentials at the gateway: each is traded at auth for an access token of a minute, which goes on in its place.

The text of an API key, or of a browser's cookie, ends here: memory holds its SHA-256, and no log has it.
"""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from urllib.parse import urlencode

import aiohttp
import orjson

from stoa_common import context
from stoa_common.errors import Unauthenticated, Unavailable
from stoa_common.logs import get_logger
from stoa_common.security import TokenVerifier
from stoa_gateway.identity.credentials import Credential

#: A credential that does not hold is refused this long without asking again.
REFUSED_SECONDS: Final = 1.0
_MOST_KNOWN: Final = 4096
#: Apart from those that hold: whoever makes texts up would push the others out.
_MOST_REFUSED: Final = 4096
_TIMEOUT: Final = aiohttp.ClientTimeout(total=5, connect=2)
_GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"

log = get_logger()


class IdentityIsAway(Unavailable):
    """Auth did not say whether the credential holds, so nobody passes by it."""

    def __init__(self) -> None:
        super().__init__("Identity is not reachable; try again in a moment.")


@dataclass(frozen=True, slots=True)
class _Known:
    """What auth said of a credential: the token, or None where it does not hold; and until when that counts."""

    token: str | None
    until: float


class TokenExchange:
    """Credentials as access tokens, kept until they expire or are revoked.

    Whoever shows the same one at the same time waits for the same answer.
    """

    def __init__(self, session: aiohttp.ClientSession, auth_url: str) -> None:
        self._session = session
        self._url = f"{auth_url.rstrip('/')}/api/v1/auth/token"
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._refused: OrderedDict[bytes, _Known] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[_Known]] = {}

    async def token_for(self, shown: Credential, *, verifier: TokenVerifier) -> str:
        """An access token that still counts. Raises the refusal of the credential's kind, IdentityIsAway."""
        digest = _digest(shown)
        known = self._known.get(digest) or self._refused.get(digest)
        if known is None or not await _counts(known, verifier):
            known = await self._asked(digest, shown)
        if known.token is None:
            raise shown.kind.refusal()
        return known.token

    async def _asked(self, digest: bytes, shown: Credential) -> _Known:
        if digest not in self._asking:
            self._asking[digest] = asyncio.create_task(self._ask(digest, shown))
        # One client that leaves does not take the answer from the others.
        return await asyncio.shield(self._asking[digest])

    async def _ask(self, digest: bytes, shown: Credential) -> _Known:
        # Before the question: the token is no younger than this.
        asked_at = time.monotonic()
        try:
            token, seconds = await self._exchange(shown)
            known = _Known(token, asked_at + seconds)
            self._remember(digest, known)
            return known
        finally:
            self._asking.pop(digest, None)

    def _remember(self, digest: bytes, known: _Known) -> None:
        holds = known.token is not None
        kept, other = (self._known, self._refused) if holds else (self._refused, self._known)
        other.pop(digest, None)
        kept[digest] = known
        kept.move_to_end(digest)
        if len(kept) > (_MOST_KNOWN if holds else _MOST_REFUSED):
            kept.popitem(last=False)

    async def _exchange(self, shown: Credential) -> tuple[str | None, float]:
        """What auth says: a token and its seconds, or None where it does not hold. Raises IdentityIsAway."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if correlation_id := context.current().correlation_id:
            headers["X-Request-Id"] = correlation_id
        form = {"grant_type": _GRANT_TYPE, "subject_token_type": shown.kind.token_type, "subject_token": shown.text}
        body = urlencode(form).encode()
        try:
            async with self._session.post(self._url, data=body, headers=headers, timeout=_TIMEOUT) as answer:
                if answer.status == 401:
                    return None, REFUSED_SECONDS
                return _token(answer.status, await answer.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("credential_not_exchanged", kind=shown.kind.token_type, error=type(error).__name__)
            raise IdentityIsAway from None


def _digest(shown: Credential) -> bytes:
    """What is known by in memory; two kinds are never mistaken for one another."""
    return sha256(f"{shown.kind.token_type} {shown.text}".encode("utf-8", errors="replace")).digest()


async def _counts(known: _Known, verifier: TokenVerifier) -> bool:
    """Whether what auth said still holds: a revoked token says that it, or what it may do, has changed since."""
    if known.until <= time.monotonic():
        return False
    try:
        return known.token is None or bool(await verifier.verify(known.token))
    except Unauthenticated:
        return False


def _token(status: int, body: bytes) -> tuple[str, float]:
    try:
        told = orjson.loads(body)
        if status == 200:
            return str(told["access_token"]), float(told["expires_in"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        pass
    log.warning("credential_not_exchanged", status=status)
    raise IdentityIsAway
