"""Tables of signing keys."""

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base


class SigningKey(Base):
    """An Ed25519 key; the private half is sealed with a secret that the database does not hold."""

    __tablename__ = "signing_keys"

    kid: Mapped[str] = mapped_column(Text, primary_key=True)
    sealed: Mapped[bytes]
    signs_from: Mapped[datetime]
    retired_at: Mapped[datetime | None]
