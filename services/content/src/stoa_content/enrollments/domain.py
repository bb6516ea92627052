"""What completing a lesson means for a course."""

from datetime import datetime
from uuid import UUID

from stoa_common.errors import Conflict, Forbidden
from stoa_content.enrollments.models import Enrollment
from stoa_events.contract import Event
from stoa_events.contracts.content import CourseCompleted, LearnerEnrolled, LessonCompleted


class NotEnrolled(Conflict):
    """The learner has not started the course."""


class EnrollmentIsAnothers(Forbidden):
    """Only learners themselves complete lessons."""


def enrolled(enrollment: Enrollment) -> LearnerEnrolled:
    return LearnerEnrolled(**_identity(enrollment), enrolled_at=enrollment.enrolled_at)


def check_own(enrollment: Enrollment, person_id: UUID) -> None:
    """Raise EnrollmentIsAnothers unless it is the person's own."""
    if enrollment.person_id != person_id:
        raise EnrollmentIsAnothers("Only the learner can complete lessons of this enrollment.")


def complete_lesson(enrollment: Enrollment, lesson_id: UUID, *, at: datetime) -> list[Event]:
    """Count a lesson that was not completed before; the last one completes the course."""
    enrollment.completed_count += 1
    events: list[Event] = [
        LessonCompleted(**_identity(enrollment), lesson_id=lesson_id, progress=enrollment.progress, completed_at=at)
    ]
    if enrollment.completed_count == enrollment.lesson_count:
        enrollment.completed_at = at
        events.append(CourseCompleted(**_identity(enrollment), completed_at=at))
    return events


def _identity(enrollment: Enrollment) -> dict[str, UUID]:
    return {
        "enrollment_id": enrollment.id,
        "organization_id": enrollment.organization_id,
        "course_id": enrollment.course_id,
        "person_id": enrollment.person_id,
    }
