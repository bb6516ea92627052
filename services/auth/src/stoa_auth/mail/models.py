"""Tables of mail."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base, Session
from stoa_common.privacy import personal_table


class Mail(Base):
    """A mail about an account. What it says, its address too, is sealed, and forgotten when it was sent.

    `person_id` is null until the mail is written: whether an address has an account is looked up then, and not in the
    request that asked.
    """

    __tablename__ = "mails"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    sealed: Mapped[bytes | None]
    state: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    problem: Mapped[str | None] = mapped_column(Text)


class MailToken(Base):
    """What a mail proves, by the SHA-256 of the token in it; good for one use."""

    __tablename__ = "mail_tokens"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]


async def _export_mails(session: Session, person_id: UUID) -> list[dict[str, Any]]:
    """Which mails there were. Not what they say: a token in one would open the account to whoever has the export."""
    shown = (Mail.id, Mail.kind, Mail.language, Mail.state, Mail.created_at, Mail.ended_at)
    rows = await session.execute(select(*shown).where(Mail.person_id == person_id).order_by(Mail.created_at))
    return [dict(row) for row in rows.mappings()]


async def _export_tokens(session: Session, person_id: UUID) -> list[dict[str, Any]]:
    shown = (MailToken.purpose, MailToken.made_at, MailToken.expires_at)
    rows = await session.execute(select(*shown).where(MailToken.person_id == person_id))
    return [dict(row) for row in rows.mappings()]


personal_table(Mail, export=_export_mails)
personal_table(MailToken, export=_export_tokens)
