"""Tables of signing keys."""

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base


class SigningKey(Base):
    """A pair of keys; the private half is sealed with a secret that the database does not hold."""

    __tablename__ = "signing_keys"

    kid: Mapped[str] = mapped_column(Text, primary_key=True)
    #: `EdDSA` signs access tokens, and ID tokens where a client asks for it; `RS256` signs ID tokens alone.
    algorithm: Mapped[str] = mapped_column(Text, default="EdDSA")
    sealed: Mapped[bytes]
    signs_from: Mapped[datetime]
    retired_at: Mapped[datetime | None]
