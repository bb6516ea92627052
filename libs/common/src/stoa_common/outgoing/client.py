"""One request to an address that a customer typed: to a checked address, without redirects, within a deadline.

Whoever may name a URL could otherwise make us knock at our own doors (server-side request forgery). So names are
resolved here, every address that comes out is checked, and the connection is opened to an address that was checked, not
to the name again: a name that answers differently the second time (DNS rebinding) gains nothing.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from stoa_common.outgoing.addresses import Address, Network, is_allowed, read_address

#: A name server that never answers holds a thread for half a minute: there must be others.
_RESOLVING_THREADS: Final = 64
_PIECE: Final = 65_536
Lookup = Callable[[str], Awaitable[Sequence[str]]]


class UrlIsRefused(ValueError):
    """Nothing may be sent to this URL; the message says what to mend."""


class AddressIsForbidden(OSError):
    """The host leads to an address that requests may not reach."""


class HostIsUnknown(OSError):
    """The host has no address."""


class AnswerIsTooLong(OSError):
    """The answer's body is longer than whoever asked wanted to read."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


def read_url(url: str, *, allow_http: bool) -> SplitResult:
    """The URL's parts; where its host leads is checked with each request. Raises UrlIsRefused."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise UrlIsRefused("Not a URL.") from None
    if parts.scheme != "https" and not (allow_http and parts.scheme == "http"):
        raise UrlIsRefused("Begin with https://.")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise UrlIsRefused("Leave user and password out.")
    if not host or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise UrlIsRefused("Name a host, in ASCII and without spaces.")
    if parts.fragment:
        raise UrlIsRefused("Leave the #fragment out: it is never sent.")
    return parts


class OutgoingClient:
    """`lookup` gives a host's addresses; tests pass their own."""

    def __init__(
        self,
        *,
        user_agent: str,
        timeout_seconds: float,
        allow_http: bool = False,
        allowed: Sequence[Network] = (),
        lookup: Lookup | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._user_agent = user_agent
        self._timeout = timeout_seconds
        self._allow_http = allow_http
        self._allowed = allowed
        self._threads = ThreadPoolExecutor(_RESOLVING_THREADS, thread_name_prefix="outgoing-names")
        self._lookup = lookup or self._ask_system
        self._tls = tls or ssl.create_default_context()
        self._session: aiohttp.ClientSession | None = None

    async def check(self, url: str) -> None:
        """Raises UrlIsRefused where nothing could be sent now; that something can later is checked then."""
        parts = read_url(url, allow_http=self._allow_http)
        try:
            async with asyncio.timeout(self._timeout):
                await self.resolve(URL(url).host or parts.hostname or "")
        except AddressIsForbidden:
            raise UrlIsRefused("The host leads to an address that is not public.") from None
        except (OSError, TimeoutError, ValueError):
            raise UrlIsRefused("The host has no address.") from None

    def request(
        self, method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str]
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """One request, entered by `async with`, which closes the connection: what was not read by then never is.

        Raises UrlIsRefused here, and on entering aiohttp.ClientError, OSError or ValueError.
        """
        read_url(url, allow_http=self._allow_http)
        options: dict[str, Any] = {"allow_redirects": False, "headers": {"User-Agent": self._user_agent, **headers}}
        return self._client().request(method, URL(url), data=body, **options)

    async def fetch(
        self, method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str], most_bytes: int
    ) -> Answer:
        """One request and its whole answer, of so many bytes at most, as it came: not unpacked.

        Raises AnswerIsTooLong beside what `request` raises; `explain` says each of them in words.
        """
        async with self.request(method, url, body=body, headers=headers) as answer:
            read = bytearray()
            while piece := await answer.content.read(_PIECE):
                read += piece
                if len(read) > most_bytes:
                    raise AnswerIsTooLong
            return Answer(answer.status, answer.headers, bytes(read))

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
    """Names for aiohttp, by way of the client's check."""

    def __init__(self, client: OutgoingClient) -> None:
        self._client = client

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
            for address in await self._client.resolve(host)
        ]

    async def close(self) -> None:
        """Nothing is held open."""


def _addresses(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(place[0]) for _, _, _, _, place in found]


def is_forbidden(failure: Exception) -> bool:
    """Whether the URL, or where it leads, is what was refused, and nothing was sent."""
    return isinstance(failure, UrlIsRefused) or any(isinstance(each, AddressIsForbidden) for each in _chain(failure))


def explain(failure: Exception) -> str:
    """Why there is no answer, for who typed the URL: nothing of our network or of the answer."""
    causes = {type(error) for error in _chain(failure)}
    if is_forbidden(failure):
        return "The URL leads to an address that is not public."
    if HostIsUnknown in causes or socket.gaierror in causes:
        return "The host has no address."
    if isinstance(failure, TimeoutError):
        return "No answer within the time limit."
    if isinstance(failure, AnswerIsTooLong):
        return "The answer is too long."
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
