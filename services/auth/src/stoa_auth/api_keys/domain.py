"""Rules of API keys: what they may do, how long, and how one text of a key follows another."""

import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from stoa_auth.api_keys.models import ApiKey, ApiKeySecret
from stoa_common import api_keys, permissions
from stoa_common.errors import Conflict, FieldError, Forbidden, Invalid, NotFound, Unauthenticated
from stoa_common.permissions import Scope
from stoa_events.contracts.auth import ApiKeyCreated, ApiKeyRevoked, ApiKeyRotated

#: Of one person in one organization, as long as they are neither revoked nor expired.
MOST_KEYS = 50
#: `last_used_at` is written again only when it is this old: a busy key would otherwise write a row at every exchange.
LAST_USED_STEP = timedelta(minutes=5)
#: What stays with people. A leaked key must not make keys that outlive its revocation, nor take the account itself.
NOT_FOR_KEYS = frozenset({"account:write:own", "api-key:write", "api-key:write:own", "client:write"})


class ApiKeyIsUnknown(NotFound):
    """No such key, or none that the caller may see."""


class ApiKeyIsNotYours(Forbidden):
    """The caller sees the key, but what it does for its person only they may do."""


class ApiKeyIsOver(Conflict):
    """The key was revoked, or has expired."""


class ApiKeyWasRotated(Conflict):
    """The prefix to be replaced is not the key's current one: another rotation came first."""


class TooManyApiKeys(Conflict):
    """The person has as many keys in the organization as one may have."""


class ScopeIsNotYours(Invalid):
    """A key may not do what its maker may not do."""


class ApiKeyIsNotValid(Unauthenticated):
    """The text opens no key: unknown, mistyped, replaced, expired or revoked; which of these stays unsaid."""

    def __init__(self) -> None:
        message = "This API key is not valid: unknown, mistyped, replaced, expired or revoked. Make a new one."
        super().__init__(message, error="invalid_token")


def held(of_member: frozenset[str]) -> frozenset[str]:
    """What a key of a member with these permissions may do at most."""
    return of_member - NOT_FOR_KEYS


def scopes(wanted: Sequence[str], *, allowed: Collection[str]) -> list[str]:
    """The scopes of a new key, each once. Raises ScopeIsNotYours, which names those that are wrong."""
    wrong = [(place, name) for place, name in enumerate(wanted) if name not in allowed]
    if wrong:
        errors = [FieldError(field=f"scopes.{place}", message=_reason(name)) for place, name in wrong]
        raise ScopeIsNotYours("Choose scopes from your own permissions.", errors=errors)
    return sorted(set(wanted))


def _reason(name: str) -> str:
    if name in NOT_FOR_KEYS:
        return "Only for people, not for keys."
    return "You don't have this permission." if name in permissions.PERMISSIONS else "There is no such permission."


def make_room(count: int) -> None:
    """Refuse one key more than a person may have. Raises TooManyApiKeys."""
    if count >= MOST_KEYS:
        raise TooManyApiKeys(f"You have {count} keys here; that is the limit. Revoke one that is not used any more.")


def create(key: ApiKey) -> ApiKeyCreated:
    return ApiKeyCreated(
        api_key_id=key.id,
        acts_for=key.organization_id,
        person_id=key.person_id,
        prefix=current(key).prefix,
        scopes=key.scopes,
        expires_at=key.expires_at,
        created_at=key.created_at,
    )


def new_secret(text: str, *, at: datetime) -> ApiKeySecret:
    prefix = api_keys.find_prefix(text)
    assert prefix is not None
    return ApiKeySecret(prefix=prefix, secret_hash=api_keys.digest(text), created_at=at)


def current(key: ApiKey) -> ApiKeySecret:
    """The secret that no other has replaced; every key has one."""
    return next(secret for secret in key.secrets if secret.valid_until is None)


def retiring(key: ApiKey, *, at: datetime) -> list[tuple[str, datetime]]:
    """The replaced texts that are still valid, with their ends."""
    return [(s.prefix, s.valid_until) for s in key.secrets if s.valid_until and s.valid_until > at]


def is_alive(key: ApiKey, *, at: datetime) -> bool:
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > at)


def known(key: ApiKey | None) -> ApiKey:
    """Raises ApiKeyIsUnknown."""
    if key is None:
        raise ApiKeyIsUnknown("You see no such API key in this organization.")
    return key


def may_change(key: ApiKey, *, person_id: UUID, reach: Scope) -> None:
    """Raises ApiKeyIsNotYours where the caller's permission reaches their own keys only."""
    if reach is Scope.OWN and key.person_id != person_id:
        raise ApiKeyIsNotYours("This is another person's API key; ask them, or an admin of your organization.")


def may_rotate(key: ApiKey, *, person_id: UUID) -> None:
    """Whoever rotates gets a text that acts for the key's person, so nobody else may. Raises ApiKeyIsNotYours."""
    if key.person_id != person_id:
        raise ApiKeyIsNotYours("Only the person whose API key this is may rotate it; you may revoke it.")


def rotate(key: ApiKey, replaced: str, secret: ApiKeySecret, *, grace: timedelta, at: datetime) -> ApiKeyRotated:
    """Let a new secret follow the one with the prefix `replaced`; none from before outlives the grace.

    Raises ApiKeyIsOver, ApiKeyWasRotated.
    """
    if not is_alive(key, at=at):
        raise ApiKeyIsOver("This API key was revoked or has expired. Make a new one.")
    if (prefix := current(key).prefix) != replaced:
        raise ApiKeyWasRotated(f"The current prefix is {prefix}. If that text is lost, rotate again from this prefix.")

    ends = at + grace
    for old in key.secrets:
        old.valid_until = min(old.valid_until or ends, ends)
    key.secrets.append(secret)
    return ApiKeyRotated(
        api_key_id=key.id,
        acts_for=key.organization_id,
        person_id=key.person_id,
        prefix=secret.prefix,
        replaced_prefix=prefix,
        replaced_until=ends,
        rotated_at=at,
    )


def revoke(key: ApiKey, *, by: UUID, at: datetime) -> ApiKeyRevoked | None:
    """None where it was revoked before."""
    if key.revoked_at is not None:
        return None
    key.revoked_at = at
    return ApiKeyRevoked(
        api_key_id=key.id, acts_for=key.organization_id, person_id=key.person_id, revoked_by=by, revoked_at=at
    )


@dataclass(frozen=True, slots=True)
class Opened:
    """A key, and the end of the text that opened it."""

    key: ApiKey
    valid_until: datetime | None


def opened(key: ApiKey | None, text: str, *, at: datetime) -> Opened:
    """The key, by a text of it that is valid now. Raises ApiKeyIsNotValid."""
    shown = api_keys.digest(text)
    if key is not None and is_alive(key, at=at):
        for secret in key.secrets:
            is_valid = secret.valid_until is None or secret.valid_until > at
            if hmac.compare_digest(secret.secret_hash, shown) and is_valid:
                return Opened(key, secret.valid_until)
    raise ApiKeyIsNotValid


def is_use_noted(key: ApiKey, *, at: datetime) -> bool:
    return key.last_used_at is not None and key.last_used_at > at - LAST_USED_STEP
