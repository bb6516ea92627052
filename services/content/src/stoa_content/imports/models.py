"""What each import found, kept beside the course that it made."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base


class ImportReport(Base):
    __tablename__ = "import_reports"

    course_id: Mapped[UUID] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"), primary_key=True)
    organization_id: Mapped[UUID]
    format: Mapped[str] = mapped_column(Text)
    counts: Mapped[dict[str, int]] = mapped_column(JSONB)
    unsupported: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
