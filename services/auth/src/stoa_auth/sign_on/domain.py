"""Rules of sign-on: whom a provider may log in, as what, and what its sessions may do.

An organization chooses its provider, so a provider is as honest as that organization. It speaks for the organization
and for nobody else: its sessions act there alone, and change nothing of the account (`sessions.domain.FEDERATED`).
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from stoa_auth.people import addresses
from stoa_auth.people.service import Person
from stoa_auth.sign_on.models import Connection, SignOnAttempt
from stoa_auth.sign_on.refusals import (
    AddressIsTaken,
    OperatorsDontSignOn,
    ProviderIsRefused,
    ReturnIsRefused,
    RolesAreGone,
    SignOnIsOver,
)

#: How far a provider's clock may be from ours.
LEEWAY_SECONDS: Final = 60
#: What a provider may say of how it knew somebody: the methods that RFC 8176 registers.
_METHODS: Final = frozenset(
    {
        *("face", "fpt", "geo", "hwk", "iris", "kba", "mca", "mfa", "otp", "pin", "pop", "pwd"),
        *("rba", "retina", "sc", "sms", "swk", "tel", "user", "vbm", "wia"),
    }
)
#: Where a browser goes that was to go nowhere else.
HOME: Final = "/api/v1/auth/pages/account"
CODE_LIFETIME: Final = timedelta(minutes=1)
MOST_CONNECTIONS: Final = 10
_OWNS: Final = "ownership:write"
MOST_ROLE_VALUES: Final = 500
_RETURN_TO: Final = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,7999}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Told:
    """What a provider says of somebody, in our words."""

    subject: str = field(repr=False)
    email: str | None = field(repr=False)
    is_email_verified: bool
    name: str | None = field(repr=False)
    #: None: the claim is not there at all, which tells nothing.
    role_values: frozenset[str] | None
    methods: tuple[str, ...]
    #: When the provider itself has seen a proof; None: it does not say.
    authenticated_at: float | None
    #: When it made the token; by its clock, as the other.
    issued_at: float | None

    @property
    def mail_domain(self) -> str | None:
        return mail_domain(self.email) if self.email else None


def read_claims(claims: Mapping[str, Any], *, roles_claim: str | None) -> Told:
    """The claims as we understand them; what is no address or no name counts as not told."""
    return Told(
        subject=claims["sub"],
        email=_read(addresses.email, claims.get("email")),
        # Some providers write their booleans as texts.
        is_email_verified=claims.get("email_verified") in (True, "true"),
        name=_read(addresses.name, claims.get("name")),
        role_values=frozenset(_texts(claims[roles_claim])) if roles_claim and roles_claim in claims else None,
        methods=tuple(each for each in dict.fromkeys(_texts(claims.get("amr"))) if each in _METHODS),
        authenticated_at=_seconds(claims.get("auth_time")),
        issued_at=_seconds(claims.get("iat")),
    )


def _read(rule: Any, value: object) -> str | None:
    try:
        # Not printable: what no database would take is among it.
        return str(rule(value)) if isinstance(value, str) and value.isprintable() else None
    except ValueError:
        return None


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40 else None


def authenticated_at(told: Told, *, at: datetime) -> datetime:
    """When the person proved who they are, never in the future; a provider that says nothing has done it just now.

    The token was made just now, too. Where the provider's clock is behind ours by that, and no further than tokens may
    be, its times are set right: else whoever was to log in anew would have done so before they were asked to.
    """
    if told.authenticated_at is None:
        return at
    behind = at.timestamp() - (at.timestamp() if told.issued_at is None else told.issued_at)
    set_right = told.authenticated_at + min(max(behind, 0.0), LEEWAY_SECONDS)
    return min(at, datetime.fromtimestamp(set_right, tz=UTC))


def _texts(value: object) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [each for each in listed[:MOST_ROLE_VALUES] if isinstance(each, str)]


def mail_domain(email: str) -> str:
    return email.rpartition("@")[2]


def roles_for(connection: Connection, told: Told, *, known: Collection[str]) -> list[str]:
    """What the person is there: what their groups mean, else the connection's own roles. Raises RolesAreGone."""
    mapped = {role for value, role in connection.role_mapping.items() if value in (told.role_values or ())}
    roles = [role for role in known if role in (mapped & set(known) or set(connection.default_roles))]
    if not roles:
        raise RolesAreGone
    return roles


def meet(holder: Person, held: Collection[str] | None, *, is_linked: bool, is_address_proved: bool) -> None:
    """Whether the holder of an address is who logs in by a provider for the first time, without having said so.

    Only a member of the provider's organization (`held` are their permissions there), by an address whose domain it has
    proved and which the provider has verified. Not who is linked already: an address can pass to a colleague. Nor an
    owner: admins choose the provider, and are not to become one. Raises OperatorsDontSignOn, AddressIsTaken.
    """
    if holder.operator:
        raise OperatorsDontSignOn
    if held is None or _OWNS in held or is_linked or not is_address_proved:
        raise AddressIsTaken


def check_person(person: Person | None) -> Person:
    """Raises SignOnIsOver where they were erased meanwhile; OperatorsDontSignOn."""
    if person is None:
        raise SignOnIsOver
    if person.operator:
        raise OperatorsDontSignOn
    return person


def check_issuer_named(told: str | None, *, issuer: str, must: bool) -> None:
    """The answer comes from the provider that was asked (RFC 9207, section 2.4). Raises ProviderIsRefused."""
    if told is None and must:
        raise ProviderIsRefused("The answer does not name its issuer, as the provider's answers do.")
    if told is not None and told != issuer:
        raise ProviderIsRefused("The answer names another issuer.")


def check_return(path: str | None) -> str | None:
    """A path of our own origin, which no browser reads as another's. Raises ReturnIsRefused."""
    if path is not None and not _RETURN_TO.fullmatch(path):
        raise ReturnIsRefused("return_to", "Give a path of this origin, such as /courses?page=2.")
    return path


def check_app(link: str, *, known: Iterable[str], challenge: str | None) -> None:
    """Raises ReturnIsRefused: a link that anybody may name would carry people's codes to them."""
    if link not in set(known):
        raise ReturnIsRefused("app_link", "No app of this platform has this link (AUTH_SIGN_ON_APP_LINKS).")
    if challenge is None:
        raise ReturnIsRefused("code_challenge", "Give PKCE's challenge, by S256: only the app shall trade the code.")


def app_answer(attempt: SignOnAttempt, **told: str) -> str:
    """Where the app takes over, and with what."""
    link = str(attempt.app_link)
    said = told | ({"state": attempt.app_state} if attempt.app_state else {})
    return f"{link}{'&' if '?' in link else '?'}{urlencode(said)}"
