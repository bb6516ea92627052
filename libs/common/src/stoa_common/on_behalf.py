"""Calling another service for one's caller: their access token is traded at auth for one that names us beside them.

The token that comes back says the same person and organization, `act` our service, `aud` the called one, and the same
permissions or fewer (RFC 8693). It lives for a minute at most, and is as old as the caller's own: what revokes that
revokes it.

    async with open_on_behalf(settings) as on_behalf:
        token = await on_behalf.token_for(callers_token, audience="content", permissions=["course:read"])
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import quote_plus, urljoin

import aiohttp
import orjson

from stoa_common.errors import Unauthenticated, Unavailable
from stoa_common.logs import get_logger
from stoa_common.security import AUDIENCE
from stoa_common.settings import BadSettings, ServiceSettings

_PATH: Final = "/api/v1/auth/token"
_TIMEOUT: Final = aiohttp.ClientTimeout(total=5, connect=2)
_MOST_KNOWN: Final = 4096
#: A token is not used in its last seconds: the service that gets it looks at its own clock, and later.
_SPARE_SECONDS: Final = 5
_FORM: Final = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
}

log = get_logger()


def audience_of(service: str) -> str:
    """Whom a token is for that another service got for its caller: this service alone, and not the gateway."""
    return f"{AUDIENCE}:{service}"


def taken_by(service: str) -> tuple[str, str]:
    """Whose tokens a service takes: those for everybody, and those for itself."""
    return (AUDIENCE, audience_of(service))


@asynccontextmanager
async def open_on_behalf(settings: ServiceSettings) -> AsyncIterator["OnBehalf"]:
    """For the resources of a service that calls others. Raises BadSettings, which says what to set."""
    secret, variable = settings.client_secret, f"{settings.service.upper()}_CLIENT_SECRET"
    if secret is None:
        raise BadSettings(
            f"Set {variable} or {variable}_FILE, and AUTH_{variable} to the same for auth: 32 characters or more, by "
            f"which {settings.service} shows that it is itself when it calls other services for its callers."
        )
    async with aiohttp.ClientSession() as http:
        yield OnBehalf(http, settings.auth_jwks_url, service=settings.service, secret=secret.get_secret_value())


class OnBehalf:
    """Access tokens for calls to other services; `secret` is `<SERVICE>_CLIENT_SECRET`."""

    def __init__(self, http: aiohttp.ClientSession, auth_url: str, *, service: str, secret: str) -> None:
        """`auth_url` is any address at auth."""
        self._http = http
        self._url = urljoin(auth_url, _PATH)
        self._service = service
        # Both parts are form-encoded first (RFC 6749, section 2.3.1).
        self._credential = aiohttp.encode_basic_auth(quote_plus(service), quote_plus(secret))
        self._known: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    async def token_for(self, access_token: str, *, audience: str, permissions: Collection[str]) -> str:
        """A token of whoever's this is, for these permissions of theirs alone, at the service `audience`.

        Raises Unauthenticated where the caller's token counts no more, or lacks one of them; Unavailable.
        """
        scope = " ".join(sorted(permissions))
        digest = hashlib.sha256(f"{audience} {scope} {access_token}".encode()).digest()
        known = self._known.get(digest)
        if known is None or known[1] <= time.monotonic():
            form = {**_FORM, "subject_token": access_token, "audience": audience, "scope": scope}
            known = self._known[digest] = await self._exchange(form)
            self._known.move_to_end(digest)
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        return known[0]

    async def _exchange(self, form: dict[str, str]) -> tuple[str, float]:
        """The token, and until when it is used."""
        asked_at = time.monotonic()
        headers = {"Authorization": self._credential}
        try:
            async with self._http.post(self._url, data=form, headers=headers, timeout=_TIMEOUT) as answer:
                told = orjson.loads(await answer.read())
                if answer.status == 200:
                    return told["access_token"], asked_at + told["expires_in"] - _SPARE_SECONDS
                error = told.get("error")
        except (aiohttp.ClientError, TimeoutError, orjson.JSONDecodeError):
            raise Unavailable("Identity is not reachable; try again in a moment.") from None
        if error in {"invalid_grant", "invalid_scope"}:
            raise Unauthenticated("The access token is not valid for this; log in again.", error="invalid_token")
        log.error("token_not_exchanged", error=error, compare=f"AUTH_{self._service.upper()}_CLIENT_SECRET")
        raise Unavailable("This service can't call others now; its operators know why.")
