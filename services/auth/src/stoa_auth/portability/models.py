"""Tables of exports. Parts are sealed: a dump of the database shows nobody's data a second time."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base, Session
from stoa_common.privacy import personal_table


class PersonExport(Base):
    """An archive that somebody asked for; ready when each service has given its part."""

    __tablename__ = "person_exports"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    job_id: Mapped[UUID]
    language: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime]
    ready_at: Mapped[datetime | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class PersonExportPart(Base):
    """What one table of one service holds on the person."""

    __tablename__ = "person_export_parts"

    export_id: Mapped[UUID] = mapped_column(ForeignKey("person_exports.id", ondelete="CASCADE"), primary_key=True)
    service: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    sealed: Mapped[bytes]


async def _export_exports(session: Session, person_id: UUID) -> list[dict[str, Any]]:
    shown = (PersonExport.id, PersonExport.asked_at, PersonExport.ready_at, PersonExport.expires_at)
    rows = await session.execute(select(*shown).where(PersonExport.person_id == person_id))
    return [dict(row) for row in rows.mappings()]


personal_table(PersonExport, export=_export_exports)
