"""Queries on the organizations that are suspended."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from stoa_common.database import Session
from stoa_content.catalog.models import SuspendedOrganization


class SuspendedOrganizations:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, organization_id: UUID, *, at: datetime) -> bool:
        """Whether that is new."""
        row = {"organization_id": organization_id, "suspended_at": at}
        added = insert(SuspendedOrganization).values(row).on_conflict_do_nothing()
        return await self._session.scalar(added.returning(SuspendedOrganization.organization_id)) is not None

    async def remove(self, organization_id: UUID) -> bool:
        """Whether it was one."""
        removed = delete(SuspendedOrganization).where(SuspendedOrganization.organization_id == organization_id)
        return await self._session.scalar(removed.returning(SuspendedOrganization.organization_id)) is not None

    async def has(self, organization_id: UUID) -> bool:
        mine = SuspendedOrganization.organization_id == organization_id
        return await self._session.scalar(select(SuspendedOrganization.organization_id).where(mine)) is not None
