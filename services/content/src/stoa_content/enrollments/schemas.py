"""Enrollments over HTTP."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class EnrollmentOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    course_id: UUID
    person_id: UUID
    progress: float = Field(ge=0, le=1, description="Share of the course's lessons that are completed.")
    completed_count: int
    lesson_count: int
    enrolled_at: datetime
    completed_at: datetime | None = Field(description="When the last lesson was completed.")


class EnrollmentDetailOut(EnrollmentOut):
    completed_lesson_ids: list[UUID] = Field(description="In the order of their completion.")
