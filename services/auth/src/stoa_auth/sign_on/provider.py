"""OpenID providers as an organization names them: their metadata, their keys, and the exchange of a code.

Whatever comes from there was written by somebody whom nobody here has checked: it is bounded in time and length, read
with suspicion, and never repeated to the browser. Sources: OpenID Connect Discovery 1.0; RFC 6749, sections 2.3.1 and
4.1.3; RFC 9207.
"""

import asyncio
import base64
import time
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

import aiohttp
import orjson
from joserfc.jwk import Key

from stoa_auth.sign_on import id_token
from stoa_auth.sign_on.id_token import Expected, IdTokenIsRefused, KeyIsUnknown
from stoa_auth.sign_on.refusals import ProviderIsAway, ProviderIsRefused
from stoa_common import clock, logs
from stoa_common.outgoing.client import OutgoingClient, UrlIsRefused, explain, read_url

MOST_BYTES: Final = 262_144
METADATA_SECONDS: Final = 600.0
KEYS_SECONDS: Final = 3600.0
#: Neither a provider that is away nor a token with an unknown key makes us ask more often.
PAUSE_SECONDS: Final = 5.0
_MOST_PROVIDERS: Final = 1_000
BASIC: Final = "client_secret_basic"
_JSON: Final = {"Accept": "application/json", "Accept-Encoding": "identity"}
log = logs.get_logger()


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a provider says of itself, as far as it is used here."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    keys_url: str
    userinfo_endpoint: str | None
    takes_basic: bool
    #: It names itself in its answers (RFC 9207), so one that does not is none of its own.
    names_itself: bool


@dataclass(frozen=True, slots=True)
class Client:
    """Who we are at a provider."""

    client_id: str
    secret: str = field(repr=False)
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Return:
    """What a browser brought back from a provider, and what the attempt knows beside it."""

    code: str = field(repr=False)
    verifier: str = field(repr=False)
    nonce: str = field(repr=False)


@dataclass(slots=True)
class _Known:
    """What is remembered of one provider; whoever asks it holds the lock, and the others wait for the answer."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    metadata: Metadata | None = None
    metadata_at: float = float("-inf")
    failed_at: float = float("-inf")
    keys: Sequence[Key] = ()
    keys_at: float = float("-inf")


class Providers:
    """Asks providers, and remembers for some minutes what does not change with every log-in."""

    def __init__(self, client: OutgoingClient, *, allow_http: bool = False) -> None:
        self._client = client
        self._allow_http = allow_http
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def check(self, issuer: str) -> None:
        """Raises UrlIsRefused, ProviderIsAway, ProviderIsRefused."""
        await self._client.check(issuer)
        known = self._remembered(issuer)
        known.metadata, known.failed_at = None, float("-inf")
        await self.describe(issuer)

    async def describe(self, issuer: str) -> Metadata:
        """The provider's metadata, at most ten minutes old. Raises ProviderIsAway, ProviderIsRefused."""
        known = self._remembered(issuer)
        async with known.lock:
            if known.metadata is None or _age(known.metadata_at) > METADATA_SECONDS:
                if _age(known.failed_at) < PAUSE_SECONDS:
                    raise ProviderIsAway
                known.failed_at = time.monotonic()
                document = await self._get(issuer.rstrip("/") + "/.well-known/openid-configuration")
                known.metadata = read_metadata(document, issuer=issuer, allow_http=self._allow_http)
                known.metadata_at, known.failed_at = time.monotonic(), float("-inf")
            return known.metadata

    async def identify(self, issuer: str, client: Client, back: Return, *, wanted: Collection[str]) -> dict[str, Any]:
        """Trade the code, and give the claims of its verified ID token; userinfo is asked for what it lacks.

        Raises ProviderIsAway, ProviderIsRefused.
        """
        metadata = await self.describe(issuer)
        answer = await self._trade(metadata, client, back)
        token, access_token = answer.get("id_token"), answer.get("access_token")
        if not isinstance(token, str) or not isinstance(access_token, str | None):
            raise ProviderIsRefused("The token endpoint answered no ID token.")
        expected = Expected(issuer, client.client_id, back.nonce, back.code, access_token)
        claims = await self._verify(metadata, token, expected)
        if not claims.keys() >= set(wanted) and metadata.userinfo_endpoint and access_token:
            claims = await self._userinfo(metadata.userinfo_endpoint, access_token, claims)
        return claims

    async def _trade(self, metadata: Metadata, client: Client, back: Return) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": back.code,
            "redirect_uri": client.redirect_uri,
            "code_verifier": back.verifier,
        }
        headers = {**_JSON, "Content-Type": "application/x-www-form-urlencoded"}
        if metadata.takes_basic:
            headers["Authorization"] = _basic(client)
        else:
            form |= {"client_id": client.client_id, "client_secret": client.secret}
        return await self._ask("POST", metadata.token_endpoint, headers=headers, body=urlencode(form).encode())

    async def _verify(self, metadata: Metadata, token: str, expected: Expected) -> dict[str, Any]:
        now = int(clock.now().timestamp())
        try:
            try:
                return id_token.verify(token, await self._keys(metadata), expected, now=now)
            except KeyIsUnknown:
                newer = await self._keys(metadata, older_than=PAUSE_SECONDS)
                return id_token.verify(token, newer, expected, now=now)
        except IdTokenIsRefused as refused:
            raise ProviderIsRefused(str(refused)) from None

    async def _keys(self, metadata: Metadata, *, older_than: float = KEYS_SECONDS) -> Sequence[Key]:
        known = self._remembered(metadata.issuer)
        async with known.lock:
            if _age(known.keys_at) > older_than:
                known.keys = id_token.read_keys(await self._get(metadata.keys_url))
                known.keys_at = time.monotonic()
            return known.keys

    async def _userinfo(self, url: str, access_token: str, claims: dict[str, Any]) -> dict[str, Any]:
        """The claims with what userinfo adds: never in place of what was signed, and of the same person only."""
        told = await self._get(url, {"Authorization": f"Bearer {access_token}"})
        if told.get("sub") != claims["sub"]:
            raise ProviderIsRefused("Userinfo speaks of somebody else than the ID token.")
        return {**told, **claims}

    async def _get(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        return await self._ask("GET", url, headers={**_JSON, **(headers or {})})

    async def _ask(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> dict[str, Any]:
        """An object of JSON. Raises ProviderIsAway, ProviderIsRefused."""
        try:
            answer = await self._client.fetch(method, url, headers=headers, body=body, most_bytes=MOST_BYTES)
        except (aiohttp.ClientError, OSError, ValueError) as failure:
            raise ProviderIsAway(explain(failure)) from None
        if answer.status >= 500 or answer.status == 429:
            raise ProviderIsAway(f"It answered {answer.status}.")
        return _read_object(answer.status, answer.body)

    def _remembered(self, issuer: str) -> _Known:
        known = self._known.setdefault(issuer, _Known())
        self._known.move_to_end(issuer)
        if len(self._known) > _MOST_PROVIDERS:
            self._known.popitem(last=False)
        return known

    async def close(self) -> None:
        await self._client.close()


def read_metadata(document: Mapping[str, Any], *, issuer: str, allow_http: bool) -> Metadata:
    """Raises ProviderIsRefused: the document is not that issuer's (Discovery 1.0, section 4.3), or misses something."""
    if document.get("issuer") != issuer:
        raise ProviderIsRefused("The metadata is of another issuer: give the issuer exactly as the provider writes it.")
    methods = document.get("token_endpoint_auth_methods_supported", [BASIC])
    has_userinfo = document.get("userinfo_endpoint") is not None
    return Metadata(
        issuer=issuer,
        authorization_endpoint=_endpoint(document, "authorization_endpoint", allow_http=allow_http),
        token_endpoint=_endpoint(document, "token_endpoint", allow_http=allow_http),
        keys_url=_endpoint(document, "jwks_uri", allow_http=allow_http),
        userinfo_endpoint=_endpoint(document, "userinfo_endpoint", allow_http=allow_http) if has_userinfo else None,
        takes_basic=not isinstance(methods, list) or BASIC in methods or "client_secret_post" not in methods,
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _endpoint(document: Mapping[str, Any], name: str, *, allow_http: bool) -> str:
    url = document.get(name)
    try:
        if not isinstance(url, str):
            raise UrlIsRefused("Not a URL.")
        read_url(url, allow_http=allow_http)
    except UrlIsRefused as refused:
        raise ProviderIsRefused(f"The metadata's {name} is wrong. {refused}") from None
    return url


def _read_object(status: int, body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except ValueError:
        raise ProviderIsRefused(f"It answered {status}, and no JSON.") from None
    if not isinstance(document, dict):
        raise ProviderIsRefused(f"It answered {status}, and no JSON object.")
    if status != 200:
        error = document.get("error")
        known = error if isinstance(error, str) and error.isidentifier() and len(error) < 60 else "no reason"
        raise ProviderIsRefused(f"It answered {status}: {known}.")
    return document


def _basic(client: Client) -> str:
    """Both parts are form-encoded first (RFC 6749, section 2.3.1)."""
    pair = f"{quote_plus(client.client_id)}:{quote_plus(client.secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _age(since: float) -> float:
    return time.monotonic() - since
