"""Token exchange (RFC 8693): something that a caller shows becomes an access token of a minute at most.

`EXCHANGES` is the table of what can be shown. The gateway brings what its callers show (API keys, cookies of browsers)
and needs no secret for that, since whoever has such a thing may use it. Services bring the access token of the caller
they work for, and show who they are.
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stoa_auth.api_keys import service as api_keys
from stoa_auth.browsers import service as browsers
from stoa_auth.oauth import claims, domain
from stoa_auth.oauth.authenticating import Shown
from stoa_auth.oauth.refusals import (
    ClientIsNotKnown,
    GrantIsNotGood,
    RequestIsMalformed,
    ScopeIsTooWide,
    TargetIsUnknown,
)
from stoa_auth.oauth.schemas import TokenForm, TokenOut
from stoa_auth.sessions.service import Tokens
from stoa_common import clock
from stoa_common.database import Database
from stoa_common.errors import Unauthenticated
from stoa_common.ids import new_id
from stoa_common.on_behalf import audience_of, taken_by
from stoa_common.security import TokenVerifier
from stoa_events.contracts.operations import SERVICES

GRANT: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  # a name of RFC 8693, not a secret
API_KEY: Final = "urn:stoa:token-type:api-key"
COOKIE: Final = "urn:stoa:token-type:session-cookie"
_LONGEST: Final = 200


class ServiceCredentials:
    """The services that may ask for tokens of those they work for, by their names, with hashes of their secrets."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._known = {name: domain.digest(secret) for name, secret in secrets.items()}

    def recognize(self, shown: Shown | None) -> str:
        """The service's name. Raises ClientIsNotKnown."""
        if shown is None or shown.secret is None:
            raise ClientIsNotKnown
        known = self._known.get(shown.client_id, b"")
        if not hmac.compare_digest(known, domain.digest(shown.secret)):
            raise ClientIsNotKnown
        return shown.client_id


@dataclass(frozen=True, slots=True)
class Counter:
    """What an exchange is made with."""

    database: Database
    tokens: Tokens
    verifier: TokenVerifier
    services: ServiceCredentials


Exchange = Callable[[Counter, TokenForm, Shown | None], Awaitable[TokenOut]]


async def exchange(counter: Counter, form: TokenForm, shown: Shown | None) -> TokenOut:
    """Raises an OAuthRefusal, or what the kind of token refuses with."""
    by = EXCHANGES.get(form.subject_token_type or "")
    if by is None:
        raise RequestIsMalformed(f"Send subject_token_type, one of: {', '.join(EXCHANGES)}.")
    if not form.subject_token:
        raise RequestIsMalformed("Send subject_token.")
    return await by(counter, form, shown)


async def _api_key(counter: Counter, form: TokenForm, shown: Shown | None) -> TokenOut:  # noqa: ARG001
    text, tokens = _as_it_is(form), counter.tokens
    told = await api_keys.exchange_key(counter.database, text, keys=tokens.keys, issuer=tokens.issuer)
    return TokenOut(**told.model_dump())


async def _cookie(counter: Counter, form: TokenForm, shown: Shown | None) -> TokenOut:  # noqa: ARG001
    text, tokens = _as_it_is(form), counter.tokens
    told = await browsers.exchange_cookie(counter.database, text, keys=tokens.keys, issuer=tokens.issuer)
    return TokenOut(**told.model_dump())


def _as_it_is(form: TokenForm) -> str:
    """Raises RequestIsMalformed for what is too long to be one, and for limits that its token would not have."""
    text = form.subject_token or ""
    if form.scope is not None or form.audience is not None or len(text) > _LONGEST:
        raise RequestIsMalformed("Send the subject_token as it is, without scope and audience: it has its own.")
    return text


async def _access_token(counter: Counter, form: TokenForm, shown: Shown | None) -> TokenOut:
    """A service acts for the token's subject: with `act`, at one other service, the same permissions or fewer."""
    service = counter.services.recognize(shown)
    called = form.audience or ""
    if called not in SERVICES:
        raise TargetIsUnknown(f"Send audience, the service that is to be called: {', '.join(SERVICES)}.")
    known, at = await _read(counter, form.subject_token or "", service), clock.now()
    scopes = None if form.scope is None else form.scope.split()
    if scopes is not None and not set(scopes) <= set(known["permissions"]):
        raise ScopeIsTooWide("Ask only for permissions that the subject_token has.")
    said = claims.exchanged(
        known, service=service, audience=audience_of(called), scopes=scopes, at=at, token_id=new_id()
    )
    return TokenOut(
        access_token=await counter.tokens.keys.sign(said),
        expires_in=max(0, said["exp"] - int(at.timestamp())),
        scope=" ".join(said["permissions"]),
        issued_token_type=ACCESS_TOKEN,
    )


async def _read(counter: Counter, token: str, service: str) -> dict[str, Any]:
    """What the caller's token says: it was for everybody, or for the service that shows it. Raises GrantIsNotGood."""
    verifier = counter.verifier.for_audience(*taken_by(service))
    try:
        await verifier.verify(token)
    except Unauthenticated:
        raise GrantIsNotGood("The subject_token is not valid.") from None
    return claims.read(token)


EXCHANGES: dict[str, Exchange] = {API_KEY: _api_key, COOKIE: _cookie, ACCESS_TOKEN: _access_token}
