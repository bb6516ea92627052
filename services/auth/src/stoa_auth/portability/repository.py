"""Every query of exports; each is its person's alone."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, insert, select

from stoa_auth.portability.domain import NoSuchExport
from stoa_auth.portability.models import PersonExport, PersonExportPart
from stoa_common.database import Session
from stoa_common.pages import PageQuery, page


class ExportRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, export: PersonExport) -> None:
        self._session.add(export)
        await self._session.flush()

    async def get_own(self, export_id: UUID, person_id: UUID) -> PersonExport:
        """Raises NoSuchExport."""
        mine = (PersonExport.id == export_id, PersonExport.person_id == person_id)
        export = await self._session.scalar(select(PersonExport).where(*mine))
        if export is None:
            raise NoSuchExport
        return export

    async def lock(self, export_id: UUID) -> PersonExport:
        """Raises NoSuchExport: it was deleted, or its person erased."""
        query = select(PersonExport).where(PersonExport.id == export_id).with_for_update()
        export = await self._session.scalar(query)
        if export is None:
            raise NoSuchExport
        return export

    async def person_of(self, export_id: UUID) -> UUID:
        """Raises NoSuchExport."""
        person_id = await self._session.scalar(select(PersonExport.person_id).where(PersonExport.id == export_id))
        if person_id is None:
            raise NoSuchExport
        return person_id

    async def list_unready(self, person_id: UUID) -> Sequence[PersonExport]:
        query = select(PersonExport).where(PersonExport.person_id == person_id, PersonExport.ready_at.is_(None))
        return (await self._session.scalars(query)).all()

    async def count_kept(self, person_id: UUID) -> int:
        ready = (PersonExport.person_id == person_id, PersonExport.ready_at.is_not(None))
        return await self._session.scalar(select(func.count()).select_from(PersonExport).where(*ready)) or 0

    async def page(self, person_id: UUID, window: PageQuery) -> tuple[Sequence[PersonExport], str | None]:
        query = select(PersonExport).where(PersonExport.person_id == person_id)
        return await page(self._session, query, by=(PersonExport.id,), window=window)

    async def drop(self, export: PersonExport) -> None:
        await self._session.delete(export)
        await self._session.flush()

    async def list_collected(self, export_id: UUID) -> set[str]:
        """The services whose part is there: whole, since it was kept by one transaction."""
        query = select(PersonExportPart.service).where(PersonExportPart.export_id == export_id).distinct()
        return set(await self._session.scalars(query))

    async def add_part(self, export_id: UUID, service: str, tables: Iterable[tuple[str, bytes]]) -> None:
        rows = [{"export_id": export_id, "service": service, "name": name, "sealed": sealed} for name, sealed in tables]
        await self._session.execute(insert(PersonExportPart), rows)

    async def list_tables(self, export_id: UUID) -> list[tuple[str, str]]:
        """Services and names of what the archive has, in its order."""
        query = select(PersonExportPart.service, PersonExportPart.name).where(PersonExportPart.export_id == export_id)
        rows = await self._session.execute(query.order_by(PersonExportPart.service, PersonExportPart.name))
        return [(row.service, row.name) for row in rows]

    async def find_table(self, export_id: UUID, service: str, name: str) -> bytes | None:
        """None where the export was deleted meanwhile."""
        return await self._session.scalar(
            select(PersonExportPart.sealed).where(
                PersonExportPart.export_id == export_id,
                PersonExportPart.service == service,
                PersonExportPart.name == name,
            )
        )

    async def forget_expired(self, *, at: datetime) -> None:
        await self._session.execute(delete(PersonExport).where(PersonExport.expires_at <= at))
