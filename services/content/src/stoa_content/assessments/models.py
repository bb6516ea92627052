"""Quizzes with their keys, and learners' attempts at them."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Dialect, Enum, ForeignKey, Text, TypeDecorator, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base
from stoa_common.privacy import personal_table
from stoa_content.assessments.questions import Answer, Key, Option, Outcome, Question, QuestionKind, Review


class Typed(TypeDecorator[Any]):
    """A dataclass, or a list of them, kept as JSON."""

    impl = JSONB
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind
        self._adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002  # SQLAlchemy's signature
        return self._adapter.dump_python(value, mode="json")

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002  # SQLAlchemy's signature
        return self._adapter.validate_python(value)


def _values(kind: type[StrEnum]) -> Enum:
    """An enumeration kept by its values, as text."""
    return Enum(kind, native_enum=False, length=20, values_callable=lambda members: [str(each) for each in members])


class QuizRow(Base):
    __tablename__ = "quizzes"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    course_id: Mapped[UUID] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    lesson_id: Mapped[UUID] = mapped_column(ForeignKey("lessons.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(Text)
    max_attempts: Mapped[int | None]
    passing_score: Mapped[float]
    review: Mapped[Review] = mapped_column(_values(Review))


class QuestionRow(Base):
    """What learners see up to `options`; from `key` on, what they may see only when the review rule allows it."""

    __tablename__ = "questions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    quiz_id: Mapped[UUID] = mapped_column(ForeignKey("quizzes.id", ondelete="CASCADE"))
    position: Mapped[int]
    kind: Mapped[QuestionKind] = mapped_column(_values(QuestionKind))
    title: Mapped[str] = mapped_column(Text)
    prompt: Mapped[str] = mapped_column(Text)
    options: Mapped[list[Option]] = mapped_column(Typed(list[Option]))
    key: Mapped[Key] = mapped_column(Typed(Key))
    hints: Mapped[list[str]] = mapped_column(JSONB)
    solution: Mapped[str | None] = mapped_column(Text)

    @property
    def question(self) -> Question:
        return Question(self.kind, self.title, self.prompt, self.options, self.key, self.hints, self.solution)


class Attempt(Base):
    """A graded attempt; it never changes. The unique number is the last guard of `max_attempts`."""

    __tablename__ = "attempts"
    __table_args__ = (UniqueConstraint("quiz_id", "person_id", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    course_id: Mapped[UUID] = mapped_column(ForeignKey("courses.id", ondelete="CASCADE"))
    lesson_id: Mapped[UUID]
    quiz_id: Mapped[UUID] = mapped_column(ForeignKey("quizzes.id", ondelete="CASCADE"))
    person_id: Mapped[UUID]
    number: Mapped[int]
    score: Mapped[float]
    passed: Mapped[bool]
    answers: Mapped[dict[UUID, Answer]] = mapped_column(Typed(dict[UUID, Answer]))
    outcomes: Mapped[dict[UUID, Outcome]] = mapped_column(Typed(dict[UUID, Outcome]))
    graded_at: Mapped[datetime]


personal_table(Attempt)
