"""Calling another service for one's caller: their access token is traded at auth for one that names us beside them.

The token that comes back says the same person and organization, `act` our service, and the same permissions or fewer
(RFC 8693). It lives for a minute at most, and is as old as the caller's own: what revokes that revokes it.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Collection
from typing import Final

import aiohttp
import orjson

from stoa_common.errors import Unauthenticated, Unavailable

_TIMEOUT: Final = aiohttp.ClientTimeout(total=5, connect=2)
_MOST_KNOWN: Final = 4096
#: A token is not used in its last seconds: the service that gets it looks at its own clock, and later.
_SPARE_SECONDS: Final = 5
_FORM: Final = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
}


class OnBehalf:
    """Access tokens for calls to other services; `secret` is `<SERVICE>_CLIENT_SECRET`."""

    def __init__(self, http: aiohttp.ClientSession, auth_url: str, *, service: str, secret: str) -> None:
        self._http = http
        self._url = f"{auth_url.rstrip('/')}/api/v1/auth/token"
        self._credential = aiohttp.encode_basic_auth(service, secret)
        self._known: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    async def token_for(self, access_token: str, *, permissions: Collection[str]) -> str:
        """A token of whoever's this is, for these permissions of theirs alone.

        Raises Unauthenticated where the caller's token counts no more, or lacks one of them; Unavailable.
        """
        scope = " ".join(sorted(permissions))
        digest = hashlib.sha256(f"{scope} {access_token}".encode()).digest()
        known = self._known.get(digest)
        if known is None or known[1] <= time.monotonic():
            known = self._known[digest] = await self._exchange(access_token, scope)
            self._known.move_to_end(digest)
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        return known[0]

    async def _exchange(self, access_token: str, scope: str) -> tuple[str, float]:
        """The token, and until when it is used."""
        asked_at = time.monotonic()
        form = {**_FORM, "subject_token": access_token, "scope": scope}
        headers = {"Authorization": self._credential}
        try:
            async with self._http.post(self._url, data=form, headers=headers, timeout=_TIMEOUT) as answer:
                told = orjson.loads(await answer.read())
                if answer.status == 200:
                    return told["access_token"], asked_at + told["expires_in"] - _SPARE_SECONDS
                is_callers = told.get("error") in {"invalid_grant", "invalid_scope"}
        except (aiohttp.ClientError, TimeoutError, orjson.JSONDecodeError):
            raise Unavailable("Identity is not reachable; try again in a moment.") from None
        if is_callers:
            raise Unauthenticated("The access token is not valid for this; log in again.", error="invalid_token")
        raise Unavailable("This service can't call others now; its operators know why.")
