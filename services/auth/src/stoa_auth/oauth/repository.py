"""Every query of OAuth. Whose client it is, is part of the query."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select

from stoa_auth.oauth.models import AuthorizationCode, Consent, OAuthClient
from stoa_auth.organizations.models import Organization
from stoa_common import pages
from stoa_common.database import Session, rows_affected
from stoa_common.pages import PageQuery
from stoa_common.security import Principal


def _visible(caller: Principal) -> ColumnElement[bool]:
    """An organization's clients are its own; operators, who stand outside, have the platform's."""
    if caller.organization is None:
        return OAuthClient.organization_id.is_(None)
    return OAuthClient.organization_id == caller.organization


class ClientRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, client: OAuthClient) -> None:
        self._session.add(client)

    async def find(self, client_id: UUID) -> OAuthClient | None:
        return await self._session.get(OAuthClient, client_id)

    async def hold(self, client_id: UUID) -> OAuthClient | None:
        """The client, as nobody changes or deletes it before this transaction ends; many may hold it at once."""
        query = select(OAuthClient).where(OAuthClient.id == client_id)
        return await self._session.scalar(query.with_for_update(read=True, key_share=True))

    async def hold_active(self, client: OAuthClient) -> bool:
        """Whether the client's organization is not suspended, which it then is not before this transaction ends."""
        acting = (Organization.id == client.organization_id, Organization.suspended_at.is_(None))
        return await self._session.scalar(select(Organization.id).where(*acting).with_for_update(read=True)) is not None

    async def find_visible(self, client_id: UUID, caller: Principal) -> OAuthClient | None:
        return await self._session.scalar(select(OAuthClient).where(OAuthClient.id == client_id, _visible(caller)))

    async def lock_visible(self, client_id: UUID, caller: Principal) -> OAuthClient | None:
        query = select(OAuthClient).where(OAuthClient.id == client_id, _visible(caller))
        return await self._session.scalar(query.with_for_update())

    async def page_visible(self, caller: Principal, window: PageQuery) -> tuple[Sequence[OAuthClient], str | None]:
        query = select(OAuthClient).where(_visible(caller))
        return await pages.page(self._session, query, by=[OAuthClient.id], window=window)

    async def count_visible(self, caller: Principal) -> int:
        return await self._session.scalar(select(func.count()).select_from(OAuthClient).where(_visible(caller))) or 0

    async def delete(self, client: OAuthClient) -> None:
        """With its codes, and with what people allowed it."""
        await self._session.delete(client)
        await self._session.flush()


class CodeRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, code: AuthorizationCode) -> None:
        self._session.add(code)

    async def find_person_of(self, code_hash: bytes) -> UUID | None:
        mine = AuthorizationCode.code_hash == code_hash
        return await self._session.scalar(select(AuthorizationCode.person_id).where(mine))

    async def lock(self, code_hash: bytes) -> AuthorizationCode | None:
        """The code, held until this transaction ends: of parallel uses one goes first, and the others find it used."""
        mine = AuthorizationCode.code_hash == code_hash
        return await self._session.scalar(select(AuthorizationCode).where(mine).with_for_update())

    async def forget_expired(self, person_id: UUID, *, before: datetime) -> None:
        old = (AuthorizationCode.person_id == person_id, AuthorizationCode.expires_at < before)
        await self._session.execute(delete(AuthorizationCode).where(*old))

    async def forget_unused(self, client_id: UUID, person_id: UUID) -> None:
        """Codes that are on their way to a client which the person no longer allows anything."""
        mine = (AuthorizationCode.client_id == client_id, AuthorizationCode.person_id == person_id)
        await self._session.execute(delete(AuthorizationCode).where(*mine, AuthorizationCode.used_at.is_(None)))


class ConsentRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def find(self, person_id: UUID, client_id: UUID) -> Consent | None:
        return await self._session.get(Consent, (person_id, client_id))

    def add(self, consent: Consent) -> None:
        self._session.add(consent)

    async def page_of_person(
        self, person_id: UUID, window: PageQuery
    ) -> tuple[Sequence[tuple[Consent, OAuthClient]], str | None]:
        mine = select(Consent).where(Consent.person_id == person_id)
        consents, following = await pages.page(self._session, mine, by=[Consent.client_id], window=window)
        query = select(OAuthClient).where(OAuthClient.id.in_([consent.client_id for consent in consents]))
        clients = {client.id: client for client in await self._session.scalars(query)}
        return [(consent, clients[consent.client_id]) for consent in consents], following

    async def remove(self, person_id: UUID, client_id: UUID) -> bool:
        mine = (Consent.person_id == person_id, Consent.client_id == client_id)
        return rows_affected(await self._session.execute(delete(Consent).where(*mine))) == 1
