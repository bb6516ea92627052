"""Tables of the audit log."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, Computed, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base

#: The chain of what belongs to no organization.
PLATFORM: Final = UUID(int=0)


def _read(expression: str) -> Computed:
    """A column that PostgreSQL reads out of the body, so that it never says anything else than what was hashed."""
    return Computed(expression, persisted=True)


class AuditRecord(Base):
    """One act. `body` is the canonical text that was hashed, with personal parts as ciphertext.

    The service's role may insert and select here, and nothing else.
    """

    __tablename__ = "audit_records"

    chain: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    recorded_at: Mapped[datetime]
    body: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text, _read("body::jsonb ->> 'action'"))
    target: Mapped[str | None] = mapped_column(Text, _read("body::jsonb ->> 'target'"))
    person_id: Mapped[UUID | None] = mapped_column(_read("(body::jsonb ->> 'person_id')::uuid"))
    subject_id: Mapped[UUID | None] = mapped_column(_read("(body::jsonb ->> 'subject_id')::uuid"))
