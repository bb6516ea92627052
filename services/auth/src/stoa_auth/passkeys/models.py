"""Tables of passkeys."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Text, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base, Session
from stoa_common.privacy import personal_table


class Passkey(Base):
    """A public key whose private half a device of the person holds; what it is called stands with the factors."""

    __tablename__ = "passkeys"

    factor_id: Mapped[UUID] = mapped_column(ForeignKey("factors.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    credential_id: Mapped[bytes] = mapped_column(unique=True)
    #: As COSE_Key (RFC 9052), the form in which the device gave it.
    public_key: Mapped[bytes]
    #: Grows with each use where the device counts at all; a copy of it is behind.
    sign_count: Mapped[int] = mapped_column(BigInteger)
    #: How the device is reached, for browsers to ask the right one.
    transports: Mapped[list[str]] = mapped_column(ARRAY(Text))
    #: Whether it may be on several devices, and whether it is.
    backup_eligible: Mapped[bool]
    backed_up: Mapped[bool]
    #: The model of what made it, as that says.
    aaguid: Mapped[UUID]


class PasskeyChallenge(Base):
    """What a device must sign, once and soon. Without a person: whoever logs in by a passkey."""

    __tablename__ = "passkey_challenges"

    challenge: Mapped[bytes] = mapped_column(primary_key=True)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(index=True)


async def _export_passkeys(session: Session, person_id: UUID) -> list[dict[str, Any]]:
    """What kind of passkeys there are, without what would link them to accounts elsewhere."""
    shown = (Passkey.factor_id, Passkey.transports, Passkey.backup_eligible, Passkey.backed_up, Passkey.aaguid)
    rows = await session.execute(select(*shown).where(Passkey.person_id == person_id))
    return [dict(row) for row in rows.mappings()]


async def _export_challenges(session: Session, person_id: UUID) -> list[dict[str, Any]]:
    shown = (PasskeyChallenge.purpose, PasskeyChallenge.expires_at)
    rows = await session.execute(select(*shown).where(PasskeyChallenge.person_id == person_id))
    return [dict(row) for row in rows.mappings()]


personal_table(Passkey, export=_export_passkeys)
personal_table(PasskeyChallenge, export=_export_challenges)
