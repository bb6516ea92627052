"""What learners do with courses: enroll, complete lessons, see how far they are.

Any lesson can be marked as completed by its learner; passing the lesson's quiz completes it as well.
"""

from uuid import UUID

from stoa_common import clock, outbox
from stoa_common.database import Session
from stoa_common.ids import new_id
from stoa_common.pages import Page, PageQuery
from stoa_common.security import Principal
from stoa_content.courses import service as courses
from stoa_content.enrollments import domain
from stoa_content.enrollments.models import Enrollment
from stoa_content.enrollments.repository import EnrollmentRepository
from stoa_content.enrollments.schemas import EnrollmentDetailOut, EnrollmentOut


async def enroll(session: Session, course_id: UUID, *, learner: Principal) -> tuple[Enrollment, bool]:
    """The learner's enrollment, and whether it is new; raises CourseNotFound, CourseIsDraft."""
    course = await courses.get_open_course(session, course_id, learner=learner)
    enrollments = EnrollmentRepository(session)
    enrollment = Enrollment(
        id=new_id(),
        organization_id=course.organization_id,
        course_id=course.id,
        person_id=learner.person_id,
        lesson_count=course.lesson_count,
        completed_count=0,
        enrolled_at=clock.now(),
        completed_at=None,
    )
    if await enrollments.insert_once(enrollment):
        outbox.add(session, domain.enrolled(enrollment))
        return enrollment, True
    return await lock_own(session, course_id, learner=learner), False


async def lock_own(session: Session, course_id: UUID, *, learner: Principal) -> Enrollment:
    """The learner's enrollment, locked until the transaction ends; raises NotEnrolled."""
    enrollment = await EnrollmentRepository(session).find_own(course_id, learner, lock=True)
    if enrollment is None:
        raise domain.NotEnrolled("Enroll in the course first.")
    return enrollment


async def list_enrollments(
    session: Session, window: PageQuery, *, course_id: UUID | None, reader: Principal
) -> Page[EnrollmentOut]:
    found, following = await EnrollmentRepository(session).list_readable(reader, window, course_id=course_id)
    return Page(items=[EnrollmentOut.model_validate(enrollment) for enrollment in found], next=following)


async def get_enrollment(session: Session, enrollment_id: UUID, *, reader: Principal) -> EnrollmentDetailOut:
    return await _detail(session, await EnrollmentRepository(session).get(enrollment_id, reader))


async def complete_lesson(
    session: Session, enrollment_id: UUID, lesson_id: UUID, *, learner: Principal
) -> EnrollmentDetailOut:
    """Complete a lesson; done before, it changes nothing. Raises EnrollmentIsAnothers, LessonNotFound."""
    enrollment = await EnrollmentRepository(session).get(enrollment_id, learner, lock=True)
    domain.check_own(enrollment, learner.person_id)
    await courses.check_lesson(session, enrollment.course_id, lesson_id)
    await complete_locked(session, enrollment, lesson_id)
    return await _detail(session, enrollment)


async def complete_locked(session: Session, enrollment: Enrollment, lesson_id: UUID) -> None:
    """Complete a lesson of an enrollment whose row the caller has locked."""
    at = clock.now()
    completion = {
        "enrollment_id": enrollment.id,
        "lesson_id": lesson_id,
        "organization_id": enrollment.organization_id,
        "person_id": enrollment.person_id,
        "completed_at": at,
    }
    if await EnrollmentRepository(session).insert_completion_once(completion):
        for event in domain.complete_lesson(enrollment, lesson_id, at=at):
            outbox.add(session, event)


async def _detail(session: Session, enrollment: Enrollment) -> EnrollmentDetailOut:
    completed = await EnrollmentRepository(session).completed_lesson_ids(enrollment)
    return EnrollmentDetailOut(
        **EnrollmentOut.model_validate(enrollment).model_dump(), completed_lesson_ids=list(completed)
    )
