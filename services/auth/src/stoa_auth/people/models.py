"""Tables of people."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base


class Person(Base):
    """Somebody who may log in. People belong to no organization; membership does that."""

    __tablename__ = "people"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str | None] = mapped_column(Text)
    #: None: there is no password, and the person logs in otherwise.
    password_hash: Mapped[str | None] = mapped_column(Text)
    operator: Mapped[bool]
    registered_at: Mapped[datetime]
    email_verified_at: Mapped[datetime | None]
    #: Since when the platform refuses them; they keep what is theirs.
    suspended_at: Mapped[datetime | None]

    @property
    def email_verified(self) -> bool:
        return self.email_verified_at is not None
