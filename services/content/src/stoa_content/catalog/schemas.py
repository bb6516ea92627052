"""The public face of courses: what anybody may read of them, and nothing that learners work with."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class PublicCourseOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    title: str
    language: str = Field(description="A language tag (BCP 47).", examples=["en"])
    description: str
    lesson_count: int
    question_count: int
    published_at: datetime


class PublicChapterOut(BaseModel):
    title: str
    lessons: list[str] = Field(description="Their titles, in reading order.")


class PublicCourseOutlineOut(PublicCourseOut):
    chapters: list[PublicChapterOut]
