"""Rules of clients: what one may be registered for, its secret, its redirect URIs, and what it may do as itself."""

import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from stoa_auth.oauth.models import OAuthClient
from stoa_auth.oauth.refusals import (
    ClientDoesNotAddUp,
    ClientHasNoSecret,
    ClientIsNotKnown,
    ClientIsUnknown,
    ClientMayNot,
    ScopeIsTooWide,
    TooManyClients,
)
from stoa_common import permissions
from stoa_common.permissions import PERMISSIONS, Role

AUTHORIZATION_CODE: Final = "authorization_code"
REFRESH_TOKEN: Final = "refresh_token"  # noqa: S105  # a grant's name
CLIENT_CREDENTIALS: Final = "client_credentials"
GRANTS: Final = (AUTHORIZATION_CODE, REFRESH_TOKEN, CLIENT_CREDENTIALS)

OPENID: Final = "openid"
PROFILE: Final = "profile"
EMAIL: Final = "email"
OFFLINE: Final = "offline_access"
#: Of OpenID Connect: who somebody is, and whether the client may go on when they have left.
IDENTITY_SCOPES: Final = (OPENID, PROFILE, EMAIL, OFFLINE)
#: What stays with people. A client must not take the account, nor make credentials that outlive its own end.
NOT_FOR_CLIENTS: Final = frozenset(
    {
        *("account:write:own", "api-key:write", "api-key:write:own", "client:write"),
        *("sign-on:write", "platform:impersonate"),
    }
)
#: What a client does not do as itself: nobody in person decides then who belongs, and what they may.
NOT_ALONE: Final = frozenset(
    {
        *("member:write", "role:write", "ownership:write", "scim:write"),
        *("organization:write", "api-key:read"),
    }
)
#: Of one organization, or of the platform.
MOST_CLIENTS: Final = 100
_LOOPBACK_WITH_PORT: Final = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\])):[0-9]{1,5}((?:[/?][!-~]*)?)")


def scope_names() -> list[str]:
    """Every scope that there is."""
    return [*IDENTITY_SCOPES, *(name for name in PERMISSIONS if name not in NOT_FOR_CLIENTS)]


def known(client: OAuthClient | None) -> OAuthClient:
    """Raises ClientIsUnknown."""
    if client is None:
        raise ClientIsUnknown("You see no such client here.")
    return client


def make_room(count: int) -> None:
    """Raises TooManyClients."""
    if count >= MOST_CLIENTS:
        raise TooManyClients(f"There are {count} clients here; that is the limit. Delete one that nobody uses.")


def scopes(wanted: Iterable[str], *, held: Collection[str], is_operator: bool) -> list[str]:
    """A client's scopes, each once: nobody registers more than they may do themselves.

    Operators register for people of all organizations, so their clients may ask those for anything. Raises
    ClientDoesNotAddUp, which names what is wrong.
    """
    found = list(dict.fromkeys(wanted))
    for name in found:
        if name not in scope_names():
            raise ClientDoesNotAddUp("scopes", f"{name} is no scope for clients.")
        if not (is_operator or name in IDENTITY_SCOPES or permissions.covers(held, name)):
            raise ClientDoesNotAddUp("scopes", f"{name}: you don't have this permission yourself.")
    return found


def check(client: OAuthClient) -> None:
    """Refuse what does not fit together. Raises ClientDoesNotAddUp."""
    redirects = AUTHORIZATION_CODE in client.grants
    if redirects and not client.redirect_uris:
        raise ClientDoesNotAddUp("redirect_uris", "authorization_code needs a redirect URI.")
    if client.redirect_uris and not redirects:
        raise ClientDoesNotAddUp("redirect_uris", "Only authorization_code uses redirect URIs.")
    if REFRESH_TOKEN in client.grants and not redirects:
        raise ClientDoesNotAddUp("grants", "refresh_token goes with authorization_code.")
    if CLIENT_CREDENTIALS in client.grants and not client.confidential:
        raise ClientDoesNotAddUp("grants", "client_credentials is for clients that keep a secret.")
    for field in ("redirect_uris", "post_logout_redirect_uris"):
        for uri in getattr(client, field):
            if (wrong := wrong_uri(uri)) is not None:
                raise ClientDoesNotAddUp(field, f"{uri}: {wrong}")


def wrong_uri(uri: str) -> str | None:
    """Why nobody may be sent there, or None: TLS, loopback, or an app's own scheme (RFC 8252; RFC 9700, 2.1)."""
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return "this is no URI."
    if not uri.isascii() or not uri.isprintable() or any(mark in uri for mark in " \\<>\"'`{}|^*"):
        return "write it in plain ASCII, percent-encoded, without wildcards."
    if parts.fragment or uri.endswith("#"):
        return "a redirect URI has no fragment."
    if parts.username is not None or parts.password is not None:
        return "a redirect URI holds no user name."
    if parts.scheme == "https":
        return None if parts.hostname else "this has no host."
    if parts.scheme == "http":
        return None if _is_loopback(parts) else "http only on 127.0.0.1, [::1] or localhost; else https."
    # As `com.example.app:/callback`: names that somebody owns, so that no other app is likely to take them.
    return None if "." in parts.scheme else "use https, http on loopback, or a scheme such as com.example.app."


def _is_loopback(parts: SplitResult) -> bool:
    if parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def is_registered(uri: str, registered: Collection[str]) -> bool:
    """Whether it is one of these, character by character; one on loopback without a port stands for any port there.

    A program on somebody's machine takes the port that is free (RFC 8252, section 7.3).
    """
    if uri in registered:
        return True
    found = _LOOPBACK_WITH_PORT.fullmatch(uri)
    return found is not None and found[1] + found[2] in registered


def new_secret() -> str:
    """256 random bits, and a beginning by which scanners know it."""
    return f"stoacs_{secrets.token_urlsafe(32)}"


def digest(secret: str) -> bytes:
    """What is kept: it has 256 random bits, so a plain SHA-256 is enough."""
    return hashlib.sha256(secret.encode("utf-8", errors="replace")).digest()


def rotate(client: OAuthClient, secret: str, *, grace: timedelta, at: datetime) -> None:
    """Let a new secret follow the one before, which counts on for the grace. Raises ClientHasNoSecret."""
    if not client.confidential:
        raise ClientHasNoSecret("A public client has no secret.")
    client.replaced_secret_hash, client.replaced_secret_until = client.secret_hash, at + grace
    client.secret_hash = digest(secret)


def recognize(client: OAuthClient | None, secret: str | None, *, at: datetime) -> OAuthClient:
    """The client, by its secret; a public one by its name alone. Raises ClientIsNotKnown."""
    if client is None or client.confidential != (secret is not None):
        raise ClientIsNotKnown
    if secret is None:
        return client
    shown, ends = digest(secret), client.replaced_secret_until
    is_current = hmac.compare_digest(client.secret_hash or b"", shown)
    is_replaced = hmac.compare_digest(client.replaced_secret_hash or b"", shown) and ends is not None and ends > at
    if not (is_current or is_replaced):
        raise ClientIsNotKnown
    return client


def may_use(client: OAuthClient, grant: str) -> None:
    """Raises ClientMayNot."""
    if grant not in client.grants:
        raise ClientMayNot(f"This client was not registered for {grant}.")


def requested(scope: str | None, registered: Sequence[str]) -> list[str]:
    """The scopes of a request, in their order; all that are registered where none is named. Raises ScopeIsTooWide."""
    wanted = list(dict.fromkeys(scope.split(" "))) if scope else list(registered)
    wrong = [name for name in wanted if name not in registered]
    if wrong:
        # Whatever was sent is not repeated: it can be anything.
        raise ScopeIsTooWide("Ask only for scopes that this client was registered for, each parted by one space.")
    return wanted


def own_permissions(scopes: Iterable[str], *, organization_id: UUID | None) -> list[str]:
    """What a client may do as itself: nothing that is about `own`, since it is nobody, and nothing of NOT_ALONE."""
    return sorted(name for name in scopes if name in PERMISSIONS and _is_for_itself(name, organization_id))


def _is_for_itself(name: str, organization_id: UUID | None) -> bool:
    if name.endswith(":own") or name in NOT_ALONE or name in NOT_FOR_CLIENTS:
        return False
    is_platforms = Role.OPERATOR in PERMISSIONS[name].roles
    return is_platforms if organization_id is None else not name.startswith("platform:")


def narrows(client: OAuthClient, *, grants: Collection[str], scopes: Collection[str]) -> bool:
    """Whether the client had more before than it has by these."""
    return not (set(client.grants) <= set(grants) and set(client.scopes) <= set(scopes))
