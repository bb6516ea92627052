"""Receivers of webhooks, as HTTP: one POST, to a checked address, without redirects, within a deadline.

Whoever may create a webhook could otherwise make us knock at our own doors (server-side request forgery). So names are
resolved here, every address that comes out is checked, and the connection is opened to an address that was checked, not
to the name again: a name that answers differently the second time (DNS rebinding) gains nothing.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from stoa_feed.webhooks import domain
from stoa_feed.webhooks.addresses import Address, Network, is_allowed, read_address
from stoa_feed.webhooks.domain import Outcome, WebhookUrlIsRefused

TIMEOUT_SECONDS: Final = 15.0
USER_AGENT: Final = "Stoa-Webhooks/1 (+https://www.standardwebhooks.com)"
#: A name server that never answers holds a thread for half a minute: there must be others.
_RESOLVING_THREADS: Final = 64
Lookup = Callable[[str], Awaitable[Sequence[str]]]


class AddressIsForbidden(OSError):
    """The host leads to an address that webhooks may not reach."""


class HostIsUnknown(OSError):
    """The host has no address."""


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
        self._allow_http = allow_http
        self._allowed = allowed
        self._threads = ThreadPoolExecutor(_RESOLVING_THREADS, thread_name_prefix="webhook-names")
        self._lookup = lookup or self._ask_system
        self._tls = tls or ssl.create_default_context()
        self._timeout = timeout_seconds
        self._session: aiohttp.ClientSession | None = None

    async def check(self, url: str) -> None:
        """Raises WebhookUrlIsRefused where nothing could be sent now; that something can later is checked then."""
        parts = domain.check_url(url, allow_http=self._allow_http)
        try:
            async with asyncio.timeout(self._timeout):
                await self.resolve(URL(url).host or parts.hostname or "")
        except AddressIsForbidden:
            raise WebhookUrlIsRefused("The host leads to an address that is not public.") from None
        except (OSError, TimeoutError, ValueError):
            raise WebhookUrlIsRefused("The host has no address.") from None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """One attempt. Raises nothing for what a receiver, or the way to it, can do wrong."""
        started = time.perf_counter()
        status: int | None = None
        wish = None
        try:
            domain.check_url(url, allow_http=self._allow_http)
            options: dict[str, Any] = {"allow_redirects": False, "headers": {"User-Agent": USER_AGENT, **headers}}
            async with self._client().post(URL(url), data=body, **options) as answer:
                # The body is not read: nobody needs it, and it may have no end. Leaving closes the connection.
                status, error = answer.status, domain.error_of(answer.status)
                wish = domain.retry_after(answer.headers, status=status)
        except (aiohttp.ClientError, OSError, ValueError, WebhookUrlIsRefused) as failure:
            error = _told(failure)
        return Outcome(status, error, round((time.perf_counter() - started) * 1000), wish)

    async def resolve(self, host: str) -> list[Address]:
        """All addresses of a host, each allowed. Raises AddressIsForbidden if one is not, HostIsUnknown for none."""
        addresses = [read_address(text) for text in await self._lookup(host)]
        if not addresses:
            raise HostIsUnknown(host)
        for address in addresses:
            self._check_address(address)
        return addresses

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _client(self) -> aiohttp.ClientSession:
        """Made in the loop that uses it. No proxy, cookies or credentials of our environment, no connection kept."""
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=_Resolver(self),
                socket_factory=self._socket,
                ssl=self._tls,
                use_dns_cache=False,
                force_close=True,
                limit=0,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._timeout),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    def _socket(self, info: Any) -> socket.socket:
        """The last door, which also those addresses pass that stand in the URL itself and are never resolved."""
        family, kind, protocol, _, place = info
        self._check_address(read_address(place[0]))
        return socket.socket(family, kind, protocol)

    def _check_address(self, address: Address) -> None:
        if not is_allowed(address, self._allowed):
            raise AddressIsForbidden

    async def _ask_system(self, host: str) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _addresses, host)
        return list(dict.fromkeys(found))


class _Resolver(AbstractResolver):
    """Names for aiohttp, by way of the sender's check."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002  # the interface's
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await self._sender.resolve(host)
        ]

    async def close(self) -> None:
        """Nothing is held open."""


def _addresses(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(place[0]) for _, _, _, _, place in found]


def _told(failure: Exception) -> str:
    """Why there is no answer, for the log that the organization reads: nothing of our network or of the answer."""
    causes = {type(error) for error in _chain(failure)}
    if AddressIsForbidden in causes or isinstance(failure, WebhookUrlIsRefused):
        return "The URL leads to an address that webhooks may not reach."
    if HostIsUnknown in causes or socket.gaierror in causes:
        return "The host has no address."
    if isinstance(failure, TimeoutError):
        return "No answer within the time limit."
    if isinstance(failure, aiohttp.ClientSSLError | ssl.SSLError):
        return "TLS failed: check the receiver's certificate."
    if isinstance(failure, aiohttp.ClientConnectorError):
        return "The connection was refused or could not be made."
    return "The connection broke, or what came back is not HTTP."


def _chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = getattr(error, "os_error", None) or error.__cause__ or error.__context__
    return found
