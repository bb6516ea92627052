"""Tables of second factors."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base, Session
from stoa_common.privacy import personal_table


class Factor(Base):
    """Something by which a person shows who they are beside the password. What it needs is in its kind's own table."""

    __tablename__ = "factors"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    #: None: it is being set up, and proves nothing yet.
    confirmed_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class Authenticator(Base):
    """The secret that an app makes codes from, sealed with what the database does not hold."""

    __tablename__ = "authenticators"

    factor_id: Mapped[UUID] = mapped_column(ForeignKey("factors.id", ondelete="CASCADE"), primary_key=True)
    sealed: Mapped[bytes]
    #: The time step of the last code that counted: neither it nor one before counts again.
    last_step: Mapped[int | None] = mapped_column(BigInteger)


class RecoveryCode(Base):
    """A code that replaces a lost factor once, by its keyed hash."""

    __tablename__ = "recovery_codes"

    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    made_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


async def _export_codes(session: Session, person_id: UUID) -> list[dict[str, Any]]:
    """When codes were made and used, without their hashes."""
    shown = (RecoveryCode.made_at, RecoveryCode.used_at)
    rows = await session.execute(select(*shown).where(RecoveryCode.person_id == person_id))
    return [dict(row) for row in rows.mappings()]


personal_table(Factor)
personal_table(RecoveryCode, export=_export_codes)
