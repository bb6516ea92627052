"""HTTP shapes of the course index."""

from uuid import UUID

from pydantic import BaseModel, Field


class CourseIndex(BaseModel):
    course_id: UUID
    lessons: int = Field(description="Lessons that can be asked about.")
    passages: int
    ready: bool = Field(description="All lessons of the published course are in.")
