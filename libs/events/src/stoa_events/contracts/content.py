"""Events of courses and of what learners do in them."""

from typing import Any, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from stoa_events.contract import Event
from stoa_events.contracts import story


class CourseEvent(Event):
    topic: ClassVar[str] = "content.course"
    subject_field: ClassVar[str] = "course_id"

    course_id: UUID = Field(description="The course.")
    organization_id: UUID = Field(description="The organization that the course belongs to.")


class CourseImported(CourseEvent):
    """A course came in as a draft, from an archive."""

    type: ClassVar[str] = "stoa.content.course.imported.v1"
    example: ClassVar[dict[str, Any]] = {
        "course_id": story.COURSE,
        "organization_id": story.ORGANIZATION,
        "title": "Stoa for its developers",
        "source_format": "markdown",
        "lesson_count": 13,
        "question_count": 21,
        "imported_at": "2025-06-24T21:21:44.698942Z",
    }

    title: str = Field(description="The course's title.")
    source_format: str = Field(description="The format of the archive: `markdown` or `olx`. More may come.")
    lesson_count: int = Field(ge=0, description="How many lessons it has.")
    question_count: int = Field(ge=0, description="How many questions its quizzes have.")
    imported_at: AwareDatetime = Field(description="When the import ended.")


class CoursePublished(CourseEvent):
    """Learners can now see and start the course; its lessons follow, one event each."""

    type: ClassVar[str] = "stoa.content.course.published.v1"
    example: ClassVar[dict[str, Any]] = {
        "course_id": story.COURSE,
        "organization_id": story.ORGANIZATION,
        "title": "Stoa for its developers",
        "language": "en",
        "lesson_count": 13,
        "question_count": 21,
        "published_at": "2025-06-24T21:26:03.871405Z",
    }

    title: str = Field(description="The course's title.")
    language: str = Field(description="The language of its text (a BCP 47 tag).")
    lesson_count: int = Field(
        ge=0, description="How many lessons it has: so many of `stoa.content.course.lesson-published.v1` follow."
    )
    question_count: int = Field(ge=0, description="How many questions its quizzes have.")
    published_at: AwareDatetime = Field(description="When it was published.")


class CourseVisibilityChanged(CourseEvent):
    """Somebody decided who sees the course once it is published. Until the first of these it is the organization."""

    type: ClassVar[str] = "stoa.content.course.visibility-changed.v1"
    example: ClassVar[dict[str, Any]] = {
        "course_id": story.COURSE,
        "organization_id": story.ORGANIZATION,
        "visibility": "public",
        "changed_at": "2025-06-24T21:25:11.406317Z",
    }

    visibility: str = Field(
        description="`organization`: its members; `public`: everybody may see in the public catalog what it is about, "
        "and members the rest. More may come: take a word that you don't know for `organization`."
    )
    changed_at: AwareDatetime = Field(description="When it was decided.")


class LessonPublished(CourseEvent):
    """Learners can now read this text of a lesson: titles and prompts are in it, keys, hints and solutions never."""

    type: ClassVar[str] = "stoa.content.course.lesson-published.v1"
    example: ClassVar[dict[str, Any]] = {
        "course_id": story.COURSE,
        "organization_id": story.ORGANIZATION,
        "lesson_id": story.LESSON,
        "revision": 1,
        "position": 0,
        "title": "What Stoa is",
        "text": "# What Stoa is\n\nStoa is the backend that learning apps share.\n",
        "published_at": "2025-06-24T21:26:03.871405Z",
    }

    lesson_id: UUID = Field(description="The lesson.")
    revision: int = Field(ge=1, description="Counts from 1; spans of a citation refer to one revision's text.")
    position: int = Field(ge=0, description="Place in the course, from 0.")
    title: str = Field(description="The lesson's title.")
    text: str = Field(description="Markdown, up to 60 kB. Offsets into it count Unicode code points.")
    published_at: AwareDatetime = Field(description="When this revision was published.")


class CatalogEvent(Event):
    topic: ClassVar[str] = "content.catalog"
    subject_field: ClassVar[str] = "organization_id"

    organization_id: UUID = Field(description="The organization whose public catalog it is.")


class CatalogClosed(CatalogEvent):
    """The organization shows nothing to everybody any more, whatever is marked public: it was suspended."""

    type: ClassVar[str] = "stoa.content.catalog.closed.v1"
    example: ClassVar[dict[str, Any]] = {
        "organization_id": story.ORGANIZATION,
        "closed_at": "2025-08-11T13:40:02.771935Z",
    }

    closed_at: AwareDatetime = Field(description="When the organization was suspended.")


class CatalogOpened(CatalogEvent):
    """The organization shows its public courses to everybody again: it was resumed."""

    type: ClassVar[str] = "stoa.content.catalog.opened.v1"
    example: ClassVar[dict[str, Any]] = {
        "organization_id": story.ORGANIZATION,
        "opened_at": "2025-08-12T08:05:59.046127Z",
    }

    opened_at: AwareDatetime = Field(description="When the organization was resumed.")


class EnrollmentEvent(Event):
    topic: ClassVar[str] = "content.enrollment"
    subject_field: ClassVar[str] = "enrollment_id"

    enrollment_id: UUID = Field(description="One learner's way through one course.")
    organization_id: UUID = Field(description="The organization that the course belongs to.")
    course_id: UUID = Field(description="The course.")
    person_id: UUID = Field(description="The learner.")


class LearnerEnrolled(EnrollmentEvent):
    """A learner started a course."""

    type: ClassVar[str] = "stoa.content.enrollment.created.v1"
    example: ClassVar[dict[str, Any]] = {
        "enrollment_id": story.ENROLLMENT,
        "organization_id": story.ORGANIZATION,
        "course_id": story.COURSE,
        "person_id": story.ADA,
        "enrolled_at": "2025-06-24T21:37:47.801860Z",
    }

    enrolled_at: AwareDatetime = Field(description="When they started.")


class LessonCompleted(EnrollmentEvent):
    """A learner finished a lesson for the first time."""

    type: ClassVar[str] = "stoa.content.enrollment.lesson-completed.v1"
    example: ClassVar[dict[str, Any]] = {
        "enrollment_id": story.ENROLLMENT,
        "organization_id": story.ORGANIZATION,
        "course_id": story.COURSE,
        "person_id": story.ADA,
        "lesson_id": story.LESSON,
        "progress": 0.07692307692307693,
        "completed_at": "2025-06-24T21:49:37.085513Z",
    }

    lesson_id: UUID = Field(description="The lesson.")
    progress: float = Field(ge=0, le=1, description="Share of the course's lessons completed, this one included.")
    completed_at: AwareDatetime = Field(description="When they finished it.")


class CourseCompleted(EnrollmentEvent):
    """A learner finished every lesson of a course."""

    type: ClassVar[str] = "stoa.content.enrollment.completed.v1"
    example: ClassVar[dict[str, Any]] = {
        "enrollment_id": story.ENROLLMENT,
        "organization_id": story.ORGANIZATION,
        "course_id": story.COURSE,
        "person_id": story.ADA,
        "completed_at": "2025-06-27T17:55:00.196724Z",
    }

    completed_at: AwareDatetime = Field(description="When they finished the last one.")


class QuestionOutcome(BaseModel):
    """One question of an attempt, as it was graded."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    question_id: UUID = Field(description="The question.")
    title: str = Field(description="The question's title.")
    score: float = Field(ge=0, le=1, description="Points, as a share of what could be had.")
    correct: bool = Field(description="Whether all of it was right.")


class AttemptGraded(Event):
    """A learner's answers to a quiz were graded; an attempt is graded once."""

    type: ClassVar[str] = "stoa.content.attempt.graded.v1"
    topic: ClassVar[str] = "content.attempt"
    subject_field: ClassVar[str] = "attempt_id"
    single: ClassVar[bool] = True
    example: ClassVar[dict[str, Any]] = {
        "attempt_id": story.ATTEMPT,
        "organization_id": story.ORGANIZATION,
        "course_id": story.COURSE,
        "lesson_id": story.LESSON,
        "quiz_id": story.QUIZ,
        "person_id": story.ADA,
        "number": 1,
        "score": 0.5,
        "passed": False,
        "questions": [
            {"question_id": story.QUESTIONS[0], "title": "Who reads the outbox?", "score": 1.0, "correct": True},
            {"question_id": story.QUESTIONS[1], "title": "What is the key?", "score": 0.0, "correct": False},
        ],
        "graded_at": "2025-06-24T21:59:21.729066Z",
    }

    attempt_id: UUID = Field(description="The attempt.")
    organization_id: UUID = Field(description="The organization that the course belongs to.")
    course_id: UUID = Field(description="The course.")
    lesson_id: UUID = Field(description="The lesson that the quiz belongs to.")
    quiz_id: UUID = Field(description="The quiz.")
    person_id: UUID = Field(description="The learner.")
    number: int = Field(ge=1, description="Counts the learner's attempts at this quiz, from 1.")
    score: float = Field(ge=0, le=1, description="Points, as a share of what could be had.")
    passed: bool = Field(description="Whether the score reached what the quiz asks for.")
    questions: list[QuestionOutcome] = Field(description="Each question, in the quiz's order.")
    graded_at: AwareDatetime = Field(description="When it was graded.")
