"""Tables of attempts."""

from datetime import datetime

from sqlalchemy import Double
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base


class LogInAttempts(Base):
    """A count of failed log-ins under a keyed hash of what is counted; says nothing without auth's secret."""

    __tablename__ = "log_in_attempts"

    key: Mapped[bytes] = mapped_column(primary_key=True)
    failures: Mapped[float] = mapped_column(Double)
    counted_at: Mapped[datetime]
    free_at: Mapped[datetime]
    succeeded_at: Mapped[datetime | None]
