"""What the catalog has to know of organizations."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base


class SuspendedOrganization(Base):
    """Nobody acts for it at the moment, so it shows nothing to anybody."""

    __tablename__ = "suspended_organizations"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    suspended_at: Mapped[datetime]
