"""Who may pass: anybody on public routes, else whoever shows an access token of auth, or what auth gives one for.

What the caller may do there is the service's question; it verifies the token again.
"""

from dataclasses import dataclass
from typing import Final

from stoa_common import api_keys
from stoa_common.browser_cookies import Origins
from stoa_common.errors import Unauthenticated
from stoa_common.security import Principal, TokenVerifier
from stoa_gateway.identity import credentials
from stoa_gateway.identity.credentials import API_KEY, COOKIE, ApiKeyIsNotValid, Credential, Headers, TwoCredentials
from stoa_gateway.identity.exchange import TokenExchange
from stoa_gateway.routing.domain import Route

#: How auth names an API key in the token that it gives for one (`client_id`).
_KEYS: Final = "api-key:"


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that may pass: the headers that go on, and who asks; nobody on public routes."""

    headers: Headers
    principal: Principal | None = None
    #: The API key that the token was given for.
    key_id: str | None = None


class Gatekeeper:
    """Turns what a request shows into an access token, for whoever may pass."""

    def __init__(self, exchange: TokenExchange, origins: Origins) -> None:
        self._exchange = exchange
        self._origins = origins

    async def admit(self, route: Route, method: str, headers: Headers, *, verifier: TokenVerifier) -> Admitted:
        """Who asks, and the headers that go on: a token in the place of any other credential.

        Raises Unauthenticated where the route needs a credential and there is none that holds; RequestIsForeign,
        CsrfTokenIsWrong; IdentityIsAway.
        """
        keys, others = credentials.split_keys(headers)
        passed = self._without_cookies(route, others)
        if route.is_public:
            return Admitted(passed)
        if keys:
            passed = await self._by_key(keys, passed, verifier=verifier)
        elif (cookie := credentials.find_cookie(others)) and not _shows_token(others):
            credentials.check_browser(method, others, cookie, origins=self._origins)
            passed = await self._by(Credential(COOKIE, cookie), passed, verifier=verifier)
        principal = await verifier.verify(_bearer_token(passed))
        return Admitted(passed, principal, _key_id(principal))

    def _without_cookies(self, route: Route, headers: Headers) -> Headers:
        """Only a page of auth gets the cookies of ours, and not where another origin's page sends them."""
        if route.takes_cookie and not credentials.is_foreign(headers, origins=self._origins):
            return headers
        return credentials.without_our_cookies(headers)

    async def _by_key(self, keys: list[str], headers: Headers, *, verifier: TokenVerifier) -> Headers:
        if len(keys) > 1 or _shows_token(headers):
            raise TwoCredentials
        if api_keys.find_prefix(keys[0]) is None:
            raise ApiKeyIsNotValid
        return await self._by(Credential(API_KEY, keys[0]), headers, verifier=verifier)

    async def _by(self, shown: Credential, headers: Headers, *, verifier: TokenVerifier) -> Headers:
        token = await self._exchange.token_for(shown, verifier=verifier)
        return [*headers, (b"authorization", f"Bearer {token}".encode())]


def _key_id(principal: Principal) -> str | None:
    shown = principal.client_id
    return shown.removeprefix(_KEYS) if shown is not None and shown.startswith(_KEYS) else None


def _shows_token(headers: Headers) -> bool:
    return any(name == b"authorization" for name, _ in headers)


def _bearer_token(headers: Headers) -> str:
    shown = [value for name, value in headers if name == b"authorization"]
    # Two headers could make the gateway and the service look at different tokens.
    scheme, _, token = shown[0].partition(b" ") if len(shown) == 1 else (b"", b"", b"")
    if scheme.lower() != b"bearer" or not token.strip():
        raise Unauthenticated("Send an access token: Authorization: Bearer <token>.")
    return token.strip().decode("latin-1")
