"""Who takes which course, and how far they are."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base
from stoa_common.privacy import personal_table


class Enrollment(Base):
    """`lesson_count` is the course's; `completed_count` follows the completions, under this row's lock."""

    __tablename__ = "enrollments"
    __table_args__ = (UniqueConstraint("course_id", "person_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    course_id: Mapped[UUID] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    person_id: Mapped[UUID]
    lesson_count: Mapped[int]
    completed_count: Mapped[int]
    enrolled_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]

    @property
    def progress(self) -> float:
        """Share of the course's lessons that are completed."""
        return round(self.completed_count / self.lesson_count, 6)


class LessonCompletion(Base):
    __tablename__ = "lesson_completions"

    enrollment_id: Mapped[UUID] = mapped_column(ForeignKey("enrollments.id", ondelete="CASCADE"), primary_key=True)
    lesson_id: Mapped[UUID] = mapped_column(ForeignKey("lessons.id", ondelete="CASCADE"), primary_key=True)
    organization_id: Mapped[UUID]
    person_id: Mapped[UUID]
    completed_at: Mapped[datetime]


personal_table(LessonCompletion)
personal_table(Enrollment)
