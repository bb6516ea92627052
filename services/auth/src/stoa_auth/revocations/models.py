"""Tables of revocations."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Text
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base


class Revocation(Base):
    """Tokens of the subject that were issued at `not_before` or earlier are refused.

    A subject is a digest of ids (`stoa_common.revocations`), so the row says nothing about anybody, and need not go
    when a person is erased: it is what keeps their last tokens from being taken.
    """

    __tablename__ = "revocations"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    subject: Mapped[str] = mapped_column(Text)
    not_before: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class RevocationCounter(Base):
    """The last number given, in the only row; who takes the next holds it until the commit, so numbers follow these."""

    __tablename__ = "revocation_counter"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger)
