"""Tables of the course index. Everything in them comes from content's events and can be built again from these."""

from datetime import datetime
from uuid import UUID

from pgvector.sqlalchemy import VECTOR
from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from stoa_ai.passages.embedder import DIMENSIONS, Vector
from stoa_common.database import Base


class Course(Base):
    """A published course; `lesson_count` lessons are to come or have come."""

    __tablename__ = "courses"

    course_id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    title: Mapped[str]
    language: Mapped[str]
    lesson_count: Mapped[int]
    published_at: Mapped[datetime]


class Lesson(Base):
    """A lesson's text as it was last published: what citations point into."""

    __tablename__ = "lessons"
    __table_args__ = (Index(None, "organization_id", "course_id"),)

    lesson_id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    course_id: Mapped[UUID]
    revision: Mapped[int]
    position: Mapped[int]
    title: Mapped[str]
    text: Mapped[str]
    published_at: Mapped[datetime]


class Passage(Base):
    """A span of a lesson's text, in code points, with its vector and the model that made it."""

    __tablename__ = "passages"
    # Tenant first: an exact scan of one course beats an index of all courses filtered afterwards, and misses nothing.
    __table_args__ = (Index(None, "organization_id", "course_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    course_id: Mapped[UUID]
    lesson_id: Mapped[UUID] = mapped_column(ForeignKey("lessons.lesson_id", ondelete="CASCADE"), index=True)
    start_offset: Mapped[int]
    end_offset: Mapped[int]
    heading: Mapped[str]
    word_count: Mapped[int]
    model: Mapped[str]
    embedding: Mapped[Vector] = mapped_column(VECTOR(DIMENSIONS))


class Posting(Base):
    """How often a passage has a word: the table that BM25 is computed from."""

    __tablename__ = "postings"
    __table_args__ = (Index(None, "organization_id", "course_id", "word"),)

    passage_id: Mapped[UUID] = mapped_column(ForeignKey("passages.id", ondelete="CASCADE"), primary_key=True)
    word: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    course_id: Mapped[UUID]
    frequency: Mapped[int]
