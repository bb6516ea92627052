"""Tables of API keys."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from stoa_common.database import Base
from stoa_common.privacy import personal_table


class ApiKeySecret(Base):
    """One text that opens the key, by its SHA-256. The current one has no end; those it replaced have one."""

    __tablename__ = "api_key_secrets"

    prefix: Mapped[str] = mapped_column(Text, primary_key=True)
    api_key_id: Mapped[UUID] = mapped_column(ForeignKey("api_keys.id", ondelete="CASCADE"), index=True)
    secret_hash: Mapped[bytes]
    created_at: Mapped[datetime]
    valid_until: Mapped[datetime | None]


class ApiKey(Base):
    """Lets a machine act for a person in one organization, with some of what the person may do there."""

    __tablename__ = "api_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(Text)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    secrets: Mapped[list[ApiKeySecret]] = relationship(lazy="selectin", order_by=ApiKeySecret.created_at)


# An export has no secret: of those only hashes are kept, and whoever steals an export shall not get these either.
personal_table(ApiKey)
