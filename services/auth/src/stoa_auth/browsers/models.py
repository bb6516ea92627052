"""Tables of browsers."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base


class BrowserCookie(Base):
    """The cookie that a browser got when it logged in, by the SHA-256 of its text. It goes with its session."""

    __tablename__ = "browser_cookies"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime]
    #: A browser that asks nothing for so long has to log in again; as it was set when it logged in.
    idle_seconds: Mapped[int]
