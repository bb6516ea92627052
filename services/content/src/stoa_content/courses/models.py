"""Courses as learners walk through them: chapters, sections, lessons."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Enum, ForeignKey, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base
from stoa_content.courses.status import Status, Visibility


class Course(Base):
    __tablename__ = "courses"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    title: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    status: Mapped[Status] = mapped_column(
        Enum(Status, native_enum=False, length=20, values_callable=lambda kind: [each.value for each in kind])
    )
    visibility: Mapped[Visibility] = mapped_column(
        Enum(Visibility, native_enum=False, length=20, values_callable=lambda kind: [each.value for each in kind])
    )
    source_format: Mapped[str] = mapped_column(Text)
    lesson_count: Mapped[int]
    question_count: Mapped[int]
    imported_at: Mapped[datetime]
    published_at: Mapped[datetime | None]


class Chapter(Base):
    __tablename__ = "chapters"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    course_id: Mapped[UUID] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    position: Mapped[int]
    title: Mapped[str] = mapped_column(Text)


class Section(Base):
    __tablename__ = "sections"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    course_id: Mapped[UUID] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    chapter_id: Mapped[UUID] = mapped_column(ForeignKey("chapters.id", ondelete="CASCADE"))
    position: Mapped[int]
    title: Mapped[str] = mapped_column(Text)


class Lesson(Base):
    """`position` counts through the whole course; `text` is what citations point into, by code points."""

    __tablename__ = "lessons"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    course_id: Mapped[UUID] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    section_id: Mapped[UUID] = mapped_column(ForeignKey("sections.id", ondelete="CASCADE"))
    position: Mapped[int]
    title: Mapped[str] = mapped_column(Text)
    revision: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    videos: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    #: The quiz belongs to the assessments; its id is here so that a lesson can name it.
    quiz_id: Mapped[UUID | None]
