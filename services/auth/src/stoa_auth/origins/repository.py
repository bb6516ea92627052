"""Every query of allowed origins. Whose they are is part of the query."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Text, cast, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert

from stoa_auth.origins.models import OrganizationOrigins
from stoa_common.database import Session


class OriginsRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def list_of(self, organization_id: UUID) -> list[str]:
        query = select(OrganizationOrigins.origins).where(OrganizationOrigins.organization_id == organization_id)
        return await self._session.scalar(query) or []

    async def lock(self, organization_id: UUID, *, at: datetime) -> OrganizationOrigins:
        """What the organization lists, nothing at first; two who change it at once come one after the other."""
        nothing = {"organization_id": organization_id, "origins": [], "changed_at": at}
        await self._session.execute(insert(OrganizationOrigins).values(**nothing).on_conflict_do_nothing())
        query = select(OrganizationOrigins).where(OrganizationOrigins.organization_id == organization_id)
        return (await self._session.scalars(query.with_for_update())).one()

    async def list_all(self) -> Sequence[OrganizationOrigins]:
        query = select(OrganizationOrigins).where(func.cardinality(OrganizationOrigins.origins) > 0)
        return (await self._session.scalars(query.order_by(OrganizationOrigins.organization_id))).all()

    async def version(self) -> str:
        """Another one after each change: of all rows, as the last to commit need not be the last that was written."""
        row = cast(OrganizationOrigins.organization_id, Text) + cast(OrganizationOrigins.changed_at, Text)
        ordered = aggregate_order_by(row, OrganizationOrigins.organization_id)
        return await self._session.scalar(select(func.md5(cast(func.array_agg(ordered), Text)))) or "none"
