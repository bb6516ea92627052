"""Events of courses and of what learners do in them."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from stoa_events.contract import Event


class CourseEvent(Event):
    topic: ClassVar[str] = "content.course"
    subject_field: ClassVar[str] = "course_id"

    course_id: UUID
    organization_id: UUID


class CourseImported(CourseEvent):
    """A course came in as a draft, from an archive."""

    type: ClassVar[str] = "stoa.content.course.imported.v1"

    title: str
    source_format: str
    lesson_count: int
    question_count: int
    imported_at: datetime


class CoursePublished(CourseEvent):
    """Learners can now see and start the course; its lessons follow, one event each."""

    type: ClassVar[str] = "stoa.content.course.published.v1"

    title: str
    language: str
    lesson_count: int
    question_count: int
    published_at: datetime


class LessonPublished(CourseEvent):
    """A lesson's text, as learners read it: titles and prompts are in it, keys, hints and solutions never."""

    type: ClassVar[str] = "stoa.content.course.lesson-published.v1"

    lesson_id: UUID
    revision: int = Field(description="Counts from 1; spans of a citation refer to one revision's text.")
    position: int = Field(description="Place in the course, from 0.")
    title: str
    text: str = Field(description="Markdown. Offsets into it count Unicode code points.")
    published_at: datetime


class EnrollmentEvent(Event):
    topic: ClassVar[str] = "content.enrollment"
    subject_field: ClassVar[str] = "enrollment_id"

    enrollment_id: UUID
    organization_id: UUID
    course_id: UUID
    person_id: UUID


class LearnerEnrolled(EnrollmentEvent):
    """A learner started a course."""

    type: ClassVar[str] = "stoa.content.enrollment.created.v1"

    enrolled_at: datetime


class LessonCompleted(EnrollmentEvent):
    """A learner finished a lesson for the first time."""

    type: ClassVar[str] = "stoa.content.enrollment.lesson-completed.v1"

    lesson_id: UUID
    progress: float = Field(ge=0, le=1, description="Share of the course's lessons completed, this one included.")
    completed_at: datetime


class CourseCompleted(EnrollmentEvent):
    """A learner finished every lesson."""

    type: ClassVar[str] = "stoa.content.enrollment.completed.v1"

    completed_at: datetime


class QuestionOutcome(BaseModel):
    """One question of an attempt, as it was graded."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    question_id: UUID
    title: str
    score: float = Field(ge=0, le=1)
    correct: bool


class AttemptGraded(Event):
    """A learner's answers to a quiz were graded; an attempt is graded once."""

    type: ClassVar[str] = "stoa.content.attempt.graded.v1"
    topic: ClassVar[str] = "content.attempt"
    subject_field: ClassVar[str] = "attempt_id"
    single: ClassVar[bool] = True

    attempt_id: UUID
    organization_id: UUID
    course_id: UUID
    lesson_id: UUID
    quiz_id: UUID
    person_id: UUID
    number: int = Field(ge=1, description="The learner's how-manieth attempt at this quiz.")
    score: float = Field(ge=0, le=1)
    passed: bool
    questions: list[QuestionOutcome]
    graded_at: datetime
