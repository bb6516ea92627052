"""Use cases of API keys: make, see, rename, rotate, revoke; and trade one for an access token."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from stoa_auth.api_keys import domain, grants
from stoa_auth.api_keys.models import ApiKey
from stoa_auth.api_keys.repository import ApiKeyRepository
from stoa_auth.api_keys.schemas import ApiKeyIn, ApiKeyOut, NewApiKeyOut, RetiringOut, RotationIn, TokenOut
from stoa_auth.audit import service as audit
from stoa_auth.keys.service import KeyRing
from stoa_auth.organizations import service as organizations
from stoa_auth.people import service as people
from stoa_auth.revocations import service as revocations
from stoa_common import api_keys, clock, outbox
from stoa_common.database import Database, Session
from stoa_common.ids import new_id
from stoa_common.pages import Page, PageQuery
from stoa_common.security import Principal

WRITE = "api-key:write"


async def create_key(session: Session, wanted: ApiKeyIn, *, caller: Principal) -> NewApiKeyOut:
    """Make a key of the caller's own; its text is answered this once, and kept as a hash.

    Raises PersonIsUnknown, ScopeIsNotYours, TooManyApiKeys.
    """
    organization_id, at = caller.organization_id, clock.now()
    # A token outlives by some minutes the person who was erased; and nobody counts their keys meanwhile.
    await people.lock_person(session, caller.person_id)
    repository = ApiKeyRepository(session)
    domain.make_room(await repository.count_alive(organization_id, caller.person_id, at=at))
    membership = await organizations.find_membership(session, organization_id, person_id=caller.person_id)
    of_member = await organizations.permissions_of(session, membership)
    text = api_keys.new_key()
    key = ApiKey(
        id=new_id(),
        organization_id=organization_id,
        person_id=caller.person_id,
        name=wanted.name,
        scopes=domain.scopes(wanted.scopes, allowed=domain.held(of_member) & caller.permissions),
        created_at=at,
        expires_at=at + timedelta(days=wanted.expires_in_days) if wanted.expires_in_days else None,
        secrets=[domain.new_secret(text, at=at)],
    )
    repository.add(key)
    outbox.add(session, domain.create(key))
    _note(session, "api-key.create", key, caller, after={"prefix": domain.current(key).prefix, "scopes": key.scopes})
    return _with_text(key, text)


async def list_keys(
    session: Session, window: PageQuery, *, caller: Principal, person_id: UUID | None
) -> Page[ApiKeyOut]:
    """The caller's keys in this organization; everybody's for who may see these."""
    found, following = await ApiKeyRepository(session).page_visible(caller, window, person_id=person_id)
    return Page(items=[_shown(key) for key in found], next=following)


async def get_key(session: Session, api_key_id: UUID, *, caller: Principal) -> ApiKeyOut:
    """Raises ApiKeyIsUnknown."""
    return _shown(domain.known(await ApiKeyRepository(session).find_visible(api_key_id, caller)))


async def rename_key(session: Session, api_key_id: UUID, name: str, *, caller: Principal) -> ApiKeyOut:
    """Raises ApiKeyIsUnknown, ApiKeyIsNotYours."""
    key = await _changeable(session, api_key_id, caller)
    key.name = name
    return _shown(key)


async def rotate_key(session: Session, api_key_id: UUID, wanted: RotationIn, *, caller: Principal) -> NewApiKeyOut:
    """Give the key a new text, answered this once.

    Raises ApiKeyIsUnknown, ApiKeyIsNotYours, ApiKeyIsOver, ApiKeyWasRotated.
    """
    key = await _changeable(session, api_key_id, caller)
    domain.may_rotate(key, person_id=caller.person_id)
    text, at = api_keys.new_key(), clock.now()
    secret, grace = domain.new_secret(text, at=at), timedelta(seconds=wanted.grace_seconds)
    outbox.add(session, domain.rotate(key, wanted.prefix, secret, grace=grace, at=at))
    after = {"prefix": secret.prefix, "grace_seconds": wanted.grace_seconds}
    _note(session, "api-key.rotate", key, caller, after=after)
    if grace < grants.TOKEN_TTL:
        # Tokens that old texts have got would outlive these.
        await revocations.revoke_session(session, key.id)
    return _with_text(key, text)


async def revoke_key(session: Session, api_key_id: UUID, *, caller: Principal) -> None:
    """End a key for good. Raises ApiKeyIsUnknown, ApiKeyIsNotYours."""
    key = await _changeable(session, api_key_id, caller)
    revoked = domain.revoke(key, by=caller.person_id, at=clock.now())
    if revoked is not None:
        outbox.add(session, revoked)
        _note(session, "api-key.revoke", key, caller)
        await revocations.revoke_session(session, key.id)


async def end_keys(session: Session, organization_id: UUID, person_id: UUID, *, at: datetime) -> None:
    """End the keys of who left the organization then. Their tokens were refused when they left."""
    await ApiKeyRepository(session).end_all(organization_id, person_id, at=at)


async def _changeable(session: Session, api_key_id: UUID, caller: Principal) -> ApiKey:
    key = domain.known(await ApiKeyRepository(session).lock_visible(api_key_id, caller))
    domain.may_change(key, person_id=caller.person_id, reach=caller.scope(WRITE))
    return key


async def exchange_key(database: Database, text: str, *, keys: KeyRing, issuer: str) -> TokenOut:
    """Trade a key for an access token of a minute at most. Raises ApiKeyIsNotValid."""
    prefix = api_keys.find_prefix(text)
    if prefix is None:
        raise domain.ApiKeyIsNotValid
    async with database.transaction() as session:
        grant = await _grant(session, prefix, text)
    if not grant.is_use_noted:
        # Apart: who holds the key with others and then wants to write it could wait in a circle.
        async with database.transaction() as session:
            await ApiKeyRepository(session).note_use(grant.api_key_id, at=grant.issued_at)
    # Signed when no connection is held.
    token = await keys.sign(grants.claims(grant, issuer=issuer, token_id=new_id()))
    return TokenOut(access_token=token, expires_in=grant.expires_in)


async def _grant(session: Session, prefix: str, text: str) -> grants.KeyGrant:
    """The person and the key are held, the person first, as erasure does: a token says what is true at its time."""
    repository = ApiKeyRepository(session)
    owner_id = await repository.find_owner(prefix)
    if owner_id is None:
        raise domain.ApiKeyIsNotValid
    owner = await people.find_and_hold_person(session, owner_id)
    if owner is None or owner.suspended_at is not None:
        raise domain.ApiKeyIsNotValid
    key = await repository.hold_by_prefix(prefix)
    at = await revocations.get_time(session)
    opened = domain.opened(key, text, at=at)
    membership = await organizations.find_membership(session, opened.key.organization_id, person_id=owner_id)
    of_member = await organizations.permissions_of(session, membership) if membership else None
    return grants.grant(opened, of_member, at=at)


def _note(
    session: Session, action: str, key: ApiKey, caller: Principal, *, after: Mapping[str, Any] | None = None
) -> None:
    audit.note(
        session,
        action,
        actor=caller.person_id,
        organization_id=key.organization_id,
        target=key.id,
        subject=key.person_id,
        after=after,
    )


def _shown(key: ApiKey) -> ApiKeyOut:
    return ApiKeyOut(**_described(key))


def _with_text(key: ApiKey, text: str) -> NewApiKeyOut:
    return NewApiKeyOut(**_described(key), key=text)


def _described(key: ApiKey) -> dict[str, Any]:
    retiring = domain.retiring(key, at=clock.now())
    return {
        "id": key.id,
        "person_id": key.person_id,
        "name": key.name,
        "prefix": domain.current(key).prefix,
        "scopes": key.scopes,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
        "retiring": [RetiringOut(prefix=prefix, valid_until=until) for prefix, until in retiring],
    }
