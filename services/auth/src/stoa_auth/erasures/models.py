"""Tables of erasures. They name nobody: a digest is found by who knows the person's id, and leads nobody to it."""

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base


class Erasure(Base):
    """Somebody asked to be forgotten; completed when every service has said that it has."""

    __tablename__ = "erasures"

    person_digest: Mapped[str] = mapped_column(Text, primary_key=True)
    requested_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]


class ErasureCompletion(Base):
    """One service has forgotten them."""

    __tablename__ = "erasure_completions"

    person_digest: Mapped[str] = mapped_column(Text, primary_key=True)
    service: Mapped[str] = mapped_column(Text, primary_key=True)
    completed_at: Mapped[datetime]
