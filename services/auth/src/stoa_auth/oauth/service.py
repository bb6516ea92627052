"""Use cases of clients: register, see, change, rotate the secret, delete; and what people allowed them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from stoa_auth.audit import service as audit
from stoa_auth.oauth import domain
from stoa_auth.oauth.models import OAuthClient
from stoa_auth.oauth.refusals import ClientIsUnknown
from stoa_auth.oauth.repository import ClientRepository, CodeRepository, ConsentRepository
from stoa_auth.oauth.schemas import ClientChangeIn, ClientIn, ClientOut, ConsentOut, NewClientOut, SecretRotationIn
from stoa_auth.people import service as people
from stoa_auth.revocations import service as revocations
from stoa_auth.sessions import through_clients
from stoa_common import clock
from stoa_common.database import Session
from stoa_common.ids import new_id
from stoa_common.pages import Page, PageQuery
from stoa_common.security import Principal

_TOLD = ("name", "redirect_uris", "post_logout_redirect_uris", "grants", "scopes", "id_token_algorithm")


async def register_client(session: Session, wanted: ClientIn, *, caller: Principal) -> NewClientOut:
    """Register a client of the caller's organization; an operator's is the platform's. Its secret is told this once.

    Raises ClientDoesNotAddUp, TooManyClients.
    """
    repository = ClientRepository(session)
    domain.make_room(await repository.count_visible(caller))
    secret = domain.new_secret() if wanted.confidential else None
    client = OAuthClient(
        id=new_id(),
        organization_id=caller.organization,
        confidential=wanted.confidential,
        secret_hash=domain.digest(secret) if secret else None,
        created_at=clock.now(),
        **wanted.model_dump(include={*_TOLD} - {"scopes"}),
        scopes=domain.scopes(wanted.scopes, held=caller.permissions, is_operator=caller.organization is None),
    )
    domain.check(client)
    repository.add(client)
    _note(session, "oauth-client.register", client, caller, after=_described(client))
    return _with_secret(client, secret)


async def list_clients(session: Session, window: PageQuery, *, caller: Principal) -> Page[ClientOut]:
    """The clients of the caller's organization; the platform's for an operator."""
    found, following = await ClientRepository(session).page_visible(caller, window)
    return Page(items=[ClientOut.model_validate(client) for client in found], next=following)


async def get_client(session: Session, client_id: UUID, *, caller: Principal) -> ClientOut:
    """Raises ClientIsUnknown."""
    found = domain.known(await ClientRepository(session).find_visible(client_id, caller))
    return ClientOut.model_validate(found)


async def change_client(session: Session, client_id: UUID, wanted: ClientChangeIn, *, caller: Principal) -> ClientOut:
    """Change what is given. Where the client gets less than it had, what was opened through it ends.

    Raises ClientIsUnknown, ClientDoesNotAddUp.
    """
    client = domain.known(await ClientRepository(session).lock_visible(client_id, caller))
    before = _described(client)
    changes = wanted.model_dump(exclude_none=True)
    if wanted.scopes is not None:
        # What the client has already, it may keep, whoever changes the rest.
        held = caller.permissions.union(client.scopes)
        changes["scopes"] = domain.scopes(wanted.scopes, held=held, is_operator=caller.organization is None)
    narrowed = domain.narrows(client, **{"grants": client.grants, "scopes": client.scopes, **_of(changes)})
    for name, value in changes.items():
        setattr(client, name, value)
    domain.check(client)
    _note(session, "oauth-client.change", client, caller, before=before, after=_described(client))
    if narrowed:
        await _end_all(session, client)
    return ClientOut.model_validate(client)


def _of(changes: dict[str, Any]) -> dict[str, Any]:
    return {name: changes[name] for name in ("grants", "scopes") if name in changes}


async def rotate_secret(
    session: Session, client_id: UUID, wanted: SecretRotationIn, *, caller: Principal
) -> NewClientOut:
    """Give the client another secret, told this once; without a grace its tokens as itself end.

    Raises ClientIsUnknown, ClientHasNoSecret.
    """
    client = domain.known(await ClientRepository(session).lock_visible(client_id, caller))
    secret = domain.new_secret()
    domain.rotate(client, secret, grace=timedelta(seconds=wanted.grace_seconds), at=clock.now())
    if not wanted.grace_seconds:
        # It leaked: what somebody else got by it would outlive it by minutes.
        await revocations.revoke_person(session, client.id)
    _note(session, "oauth-client.rotate", client, caller, after={"grace_seconds": wanted.grace_seconds})
    return _with_secret(client, secret)


async def delete_client(session: Session, client_id: UUID, *, caller: Principal) -> None:
    """Delete a client, and end what was opened through it. Raises ClientIsUnknown."""
    repository = ClientRepository(session)
    client = domain.known(await repository.lock_visible(client_id, caller))
    await _end_all(session, client)
    _note(session, "oauth-client.delete", client, caller, before=_described(client))
    await repository.delete(client)


async def _end_all(session: Session, client: OAuthClient) -> None:
    """Sessions of people, and tokens of the client as itself, whose subject it is."""
    await through_clients.end_sessions(session, str(client.id))
    await revocations.revoke_person(session, client.id)


async def list_consents(session: Session, window: PageQuery, *, caller: Principal) -> Page[ConsentOut]:
    """What the caller lets clients do."""
    found, following = await ConsentRepository(session).page_of_person(caller.person_id, window)
    items = [
        ConsentOut(
            client_id=client.id,
            client_name=client.name,
            organization_id=client.organization_id,
            scopes=consent.scopes,
            granted_at=consent.granted_at,
        )
        for consent, client in found
    ]
    return Page(items=items, next=following)


async def revoke_consent(session: Session, client_id: UUID, *, caller: Principal) -> None:
    """Allow a client nothing any more, and end what was opened through it for the caller. Raises ClientIsUnknown."""
    # The person before their sessions, and nobody gives the client a code meanwhile.
    await people.lock_person(session, caller.person_id)
    if not await ConsentRepository(session).remove(caller.person_id, client_id):
        raise ClientIsUnknown("You allow no such client anything.")
    await CodeRepository(session).forget_unused(client_id, caller.person_id)
    await through_clients.end_sessions(session, str(client_id), person_id=caller.person_id)
    audit.note(session, "consent.revoke", actor=caller.person_id, target=client_id)


def _note(
    session: Session,
    action: str,
    client: OAuthClient,
    caller: Principal,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    audit.note(
        session,
        action,
        actor=caller.person_id,
        organization_id=client.organization_id,
        target=client.id,
        before=before,
        after=after,
    )


def _described(client: OAuthClient) -> dict[str, Any]:
    return {name: getattr(client, name) for name in _TOLD}


def _with_secret(client: OAuthClient, secret: str | None) -> NewClientOut:
    return NewClientOut(**ClientOut.model_validate(client).model_dump(), client_secret=secret)
