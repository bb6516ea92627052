"""API keys at the gateway: a key is traded at auth for an access token of a minute, which goes on in its place.

The key's text ends here. It never goes to the service that is asked, nor into a log, and memory holds its SHA-256.
"""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import aiohttp
import orjson

from stoa_common import api_keys, context
from stoa_common.errors import Unauthenticated, Unavailable
from stoa_common.logs import get_logger
from stoa_common.security import TokenVerifier
from stoa_gateway.routing.domain import Route

Headers = list[tuple[bytes, bytes]]
#: A key that does not hold is refused this long without asking again.
REFUSED_SECONDS: Final = 1.0
_MOST_KEYS: Final = 4096
_TIMEOUT: Final = aiohttp.ClientTimeout(total=5, connect=2)
_FORM: Final = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:stoa:token-type:api-key",
}

log = get_logger()


class ApiKeyIsNotValid(Unauthenticated):
    """The text opens no key: unknown, mistyped, replaced, expired or revoked; which of these stays unsaid."""

    def __init__(self) -> None:
        message = "This API key is not valid: unknown, mistyped, replaced, expired or revoked. Make a new one."
        super().__init__(message, error="invalid_token")


class TwoCredentials(Unauthenticated):
    """The gateway and the service could otherwise look at different ones."""

    def __init__(self) -> None:
        super().__init__("Send one credential: Authorization: Bearer <token or API key>, or X-API-Key.")


class IdentityIsAway(Unavailable):
    """Auth did not say whether the key holds, so nobody passes by it."""

    def __init__(self) -> None:
        super().__init__("Identity is not reachable; try again in a moment.")


@dataclass(frozen=True, slots=True)
class _Known:
    """What auth said of a key: the token, or None for a key that does not hold; and until when that counts."""

    token: str | None
    until: float


class KeyExchange:
    """Keys as access tokens, kept until they expire or are revoked.

    Whoever shows the same key at the same time waits for the same answer.
    """

    def __init__(self, session: aiohttp.ClientSession, auth_url: str) -> None:
        self._session = session
        self._url = f"{auth_url.rstrip('/')}/api/v1/auth/token"
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[_Known]] = {}

    async def exchanged(self, route: Route, headers: Headers, *, verifier: TokenVerifier) -> Headers:
        """The headers with a token in the place of a key; without a key they stay as they are.

        Public routes need none, so there the key is only taken out. Raises ApiKeyIsNotValid, TwoCredentials,
        IdentityIsAway.
        """
        shown = [key for header in headers if (key := _key_in(header)) is not None]
        if not shown:
            return headers
        others = [header for header in headers if _key_in(header) is None]
        if route.is_public:
            return others
        if len(shown) > 1 or any(name.lower() == b"authorization" for name, _ in others):
            raise TwoCredentials
        token = await self.token_for(shown[0], verifier=verifier)
        return [*others, (b"authorization", f"Bearer {token}".encode())]

    async def token_for(self, key: str, *, verifier: TokenVerifier) -> str:
        """An access token of the key that still counts. Raises ApiKeyIsNotValid, IdentityIsAway."""
        if api_keys.find_prefix(key) is None:
            raise ApiKeyIsNotValid
        digest = api_keys.digest(key)
        known = self._known.get(digest)
        if known is None or not await _counts(known, verifier):
            known = await self._asked(digest, key)
        if known.token is None:
            raise ApiKeyIsNotValid
        return known.token

    async def _asked(self, digest: bytes, key: str) -> _Known:
        if digest not in self._asking:
            self._asking[digest] = asyncio.create_task(self._ask(digest, key))
        # One client that leaves does not take the answer from the others.
        return await asyncio.shield(self._asking[digest])

    async def _ask(self, digest: bytes, key: str) -> _Known:
        # Before the question: the token is no younger than this.
        asked_at = time.monotonic()
        try:
            token, seconds = await self._exchange(key)
            known = _Known(token, asked_at + seconds)
            self._remember(digest, known)
            return known
        finally:
            self._asking.pop(digest, None)

    def _remember(self, digest: bytes, known: _Known) -> None:
        self._known[digest] = known
        self._known.move_to_end(digest)
        if len(self._known) > _MOST_KEYS:
            self._known.popitem(last=False)

    async def _exchange(self, key: str) -> tuple[str | None, float]:
        """What auth says: a token and its seconds, or None for a key that does not hold. Raises IdentityIsAway."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if correlation_id := context.current().correlation_id:
            headers["X-Request-Id"] = correlation_id
        body = urlencode({**_FORM, "subject_token": key}).encode()
        try:
            async with self._session.post(self._url, data=body, headers=headers, timeout=_TIMEOUT) as answer:
                if answer.status == 401:
                    return None, REFUSED_SECONDS
                return _token(answer.status, await answer.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            log.warning("key_not_exchanged", error=type(error).__name__)
            raise IdentityIsAway from None


async def _counts(known: _Known, verifier: TokenVerifier) -> bool:
    """Whether what auth said still holds: a revoked token says that the key, or what it may do, has changed since."""
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
    log.warning("key_not_exchanged", status=status)
    raise IdentityIsAway


def _key_in(header: tuple[bytes, bytes]) -> str | None:
    """The key that a header shows; mistyped ones count, as they hold a secret too."""
    name, value = header[0].lower(), header[1].decode("latin-1").strip()
    if name == b"x-api-key":
        return value
    if name != b"authorization" or not any(api_keys.is_meant_as_key(word) for word in value.split()):
        return None
    scheme, _, rest = value.partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else ""
