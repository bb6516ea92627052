"""Tables of what was generated. Neither questions nor answers are kept: both are the learner's own words."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base
from stoa_common.privacy import personal_table


class Generation(Base):
    """One answer: who asked about which course, what wrote it, what it used, how it ended."""

    __tablename__ = "generations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    course_id: Mapped[UUID]
    person_id: Mapped[UUID] = mapped_column(index=True)
    status: Mapped[str]
    generated_by: Mapped[str]
    model: Mapped[str]
    prompt: Mapped[str | None]
    found: Mapped[bool]
    citation_count: Mapped[int]
    input_tokens: Mapped[int]
    output_tokens: Mapped[int]
    usage_source: Mapped[str]
    duration_ms: Mapped[int]
    generated_at: Mapped[datetime]


personal_table(Generation)
