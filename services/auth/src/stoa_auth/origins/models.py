"""Tables of allowed origins."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base


class OrganizationOrigins(Base):
    """The origins that an organization lists, as browsers write them."""

    __tablename__ = "organization_origins"

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"), primary_key=True)
    origins: Mapped[list[str]] = mapped_column(ARRAY(Text))
    changed_at: Mapped[datetime]
