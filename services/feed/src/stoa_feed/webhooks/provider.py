"""Receivers of webhooks, as HTTP: one POST, to a checked address, without redirects, within a deadline."""

import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Final

import aiohttp

from stoa_common.outgoing.addresses import Address, Network
from stoa_common.outgoing.client import Lookup, OutgoingClient, UrlIsRefused, explain, is_forbidden
from stoa_feed.webhooks import domain
from stoa_feed.webhooks.domain import Outcome, WebhookUrlIsRefused

TIMEOUT_SECONDS: Final = 15.0
USER_AGENT: Final = "Stoa-Webhooks/1 (+https://www.standardwebhooks.com)"


class Sender:
    """Sends signed bodies. `lookup` gives a host's addresses; tests pass their own."""

    def __init__(
        self,
        *,
        allow_http: bool = False,
        allowed: Sequence[Network] = (),
        lookup: Lookup | None = None,
        tls: ssl.SSLContext | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._client = OutgoingClient(
            user_agent=USER_AGENT,
            timeout_seconds=timeout_seconds,
            allow_http=allow_http,
            allowed=allowed,
            lookup=lookup,
            tls=tls,
        )

    async def check(self, url: str) -> None:
        """Raises WebhookUrlIsRefused where nothing could be sent now; that something can later is checked then."""
        try:
            await self._client.check(url)
        except UrlIsRefused as refused:
            raise WebhookUrlIsRefused(str(refused)) from None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """One attempt. Raises nothing for what a receiver, or the way to it, can do wrong."""
        started = time.perf_counter()
        status: int | None = None
        wish = None
        try:
            async with self._client.request("POST", url, body=body, headers=headers) as answer:
                # The body is not read: nobody needs it, and it may have no end. Leaving closes the connection.
                status, error = answer.status, domain.error_of(answer.status)
                wish = domain.retry_after(answer.headers, status=status)
        except (aiohttp.ClientError, OSError, ValueError) as failure:
            error = _told(failure)
        return Outcome(status, error, round((time.perf_counter() - started) * 1000), wish)

    async def resolve(self, host: str) -> list[Address]:
        """All addresses of a host, each allowed. Raises AddressIsForbidden if one is not, HostIsUnknown for none."""
        return await self._client.resolve(host)

    async def close(self) -> None:
        await self._client.close()


def _told(failure: Exception) -> str:
    """Why there is no answer, for the log that the organization reads."""
    return "The URL leads to an address that webhooks may not reach." if is_forbidden(failure) else explain(failure)
