"""Courses and lessons over HTTP."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from stoa_content.courses.status import Status, Visibility


class CourseOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    title: str
    language: str = Field(description="A language tag (BCP 47).", examples=["en"])
    description: str
    status: Status
    visibility: Visibility = Field(description="Who sees the course once it is published.")
    source_format: str = Field(examples=["markdown", "olx"])
    lesson_count: int
    question_count: int
    imported_at: datetime
    published_at: datetime | None


class VisibilityIn(BaseModel):
    visibility: Visibility = Field(
        description="`public`: everybody may see in the organization's public catalog what the course is about, once it"
        " is published; lessons and quizzes stay with the organization. `organization`: nobody else sees anything."
    )


class LessonLinkOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    title: str
    position: int = Field(description="Place in the course, from 0.")
    quiz_id: UUID | None


class SectionOut(BaseModel):
    id: UUID
    title: str
    lessons: list[LessonLinkOut]


class ChapterOut(BaseModel):
    id: UUID
    title: str
    sections: list[SectionOut]


class CourseOutlineOut(CourseOut):
    chapters: list[ChapterOut]


class VideoOut(BaseModel):
    title: str
    url: str | None = Field(description="Null where the course's author named no source.")


class LessonOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    course_id: UUID
    title: str
    position: int
    revision: int = Field(description="Counts from 1; a citation's span refers to one revision.")
    text: str = Field(description="Markdown, the title first. Citations' spans count its Unicode code points.")
    videos: list[VideoOut]
    quiz_id: UUID | None
