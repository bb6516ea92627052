"""Every query of API keys. Who may see a key is part of the query."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select, update
from sqlalchemy.sql.elements import ColumnElement

from stoa_auth.api_keys.models import ApiKey, ApiKeySecret
from stoa_common import pages
from stoa_common.database import Session
from stoa_common.pages import PageQuery
from stoa_common.permissions import Scope
from stoa_common.security import Principal

READ = "api-key:read"


class ApiKeyRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, key: ApiKey) -> None:
        self._session.add(key)

    async def find_visible(self, api_key_id: UUID, caller: Principal) -> ApiKey | None:
        return await self._session.scalar(_visible(caller).where(ApiKey.id == api_key_id))

    async def lock_visible(self, api_key_id: UUID, caller: Principal) -> ApiKey | None:
        """The key, which nobody else changes before this transaction ends: of parallel rotations one goes first."""
        return await self._session.scalar(_visible(caller).where(ApiKey.id == api_key_id).with_for_update())

    async def page_visible(
        self, caller: Principal, window: PageQuery, *, person_id: UUID | None
    ) -> tuple[list[ApiKey], str | None]:
        query = _visible(caller)
        if person_id is not None:
            query = query.where(ApiKey.person_id == person_id)
        return await pages.page(self._session, query, by=[ApiKey.id], window=window)

    async def count_alive(self, organization_id: UUID, person_id: UUID, *, at: datetime) -> int:
        mine = (ApiKey.organization_id == organization_id, ApiKey.person_id == person_id)
        lasting = (ApiKey.expires_at.is_(None)) | (ApiKey.expires_at > at)
        query = select(func.count()).select_from(ApiKey).where(*mine, ApiKey.revoked_at.is_(None), lasting)
        return await self._session.scalar(query) or 0

    async def find_owner(self, prefix: str) -> UUID | None:
        """The person whose key has this prefix."""
        return await self._session.scalar(select(ApiKey.person_id).join(ApiKey.secrets).where(_is(prefix)))

    async def hold_by_prefix(self, prefix: str) -> ApiKey | None:
        """The key, as nobody rotates or revokes it before this transaction ends; many may hold it at once."""
        query = select(ApiKey).join(ApiKey.secrets).where(_is(prefix))
        return await self._session.scalar(query.with_for_update(read=True, key_share=True, of=ApiKey))

    async def note_use(self, api_key_id: UUID, *, at: datetime) -> None:
        await self._session.execute(update(ApiKey).where(ApiKey.id == api_key_id).values(last_used_at=at))

    async def end_all(self, organization_id: UUID, person_id: UUID, *, at: datetime) -> None:
        """End the keys that the person had in the organization by then."""
        theirs = (ApiKey.organization_id == organization_id, ApiKey.person_id == person_id, ApiKey.created_at <= at)
        ended = update(ApiKey).where(*theirs, ApiKey.revoked_at.is_(None))
        await self._session.execute(ended.values(revoked_at=at))


def _is(prefix: str) -> ColumnElement[bool]:
    return ApiKeySecret.prefix == prefix


def _visible(caller: Principal) -> Select[ApiKey]:
    query = select(ApiKey).where(ApiKey.organization_id == caller.organization_id)
    return query if caller.scope(READ) is Scope.ANY else query.where(ApiKey.person_id == caller.person_id)
