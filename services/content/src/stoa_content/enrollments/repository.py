"""Queries on enrollments; the caller's organization and scope are part of each."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import insert

from stoa_common import pages
from stoa_common.database import Session
from stoa_common.errors import NotFound
from stoa_common.pages import PageQuery
from stoa_common.permissions import Scope
from stoa_common.security import Principal
from stoa_content.enrollments.models import Enrollment, LessonCompletion


class EnrollmentNotFound(NotFound):
    """There is no such enrollment, or the caller may not see it."""


class EnrollmentRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, enrollment_id: UUID, caller: Principal, *, lock: bool = False) -> Enrollment:
        """The enrollment, if the caller may read it; raises EnrollmentNotFound."""
        query = select(Enrollment).where(Enrollment.id == enrollment_id, *_readable(caller))
        if lock:
            query = query.with_for_update()
        enrollment = await self._session.scalar(query)
        if enrollment is None:
            raise EnrollmentNotFound("There is no such enrollment.")
        return enrollment

    async def list_readable(
        self, caller: Principal, window: PageQuery, *, course_id: UUID | None
    ) -> tuple[Sequence[Enrollment], str | None]:
        query = select(Enrollment).where(*_readable(caller))
        if course_id:
            query = query.where(Enrollment.course_id == course_id)
        return await pages.page(self._session, query, by=[Enrollment.id], window=window)

    async def find_own(self, course_id: UUID, learner: Principal, *, lock: bool = False) -> Enrollment | None:
        query = select(Enrollment).where(
            Enrollment.course_id == course_id,
            Enrollment.person_id == learner.person_id,
            Enrollment.organization_id == learner.organization_id,
        )
        if lock:
            query = query.with_for_update()
        return await self._session.scalar(query)

    async def insert_once(self, enrollment: Enrollment) -> bool:
        """False if the learner had one already; a parallel twin is waited for."""
        values = {column.key: getattr(enrollment, column.key) for column in Enrollment.__table__.columns}
        statement = insert(Enrollment).values(values).on_conflict_do_nothing(index_elements=["course_id", "person_id"])
        return await self._session.scalar(statement.returning(Enrollment.id)) is not None

    async def insert_completion_once(self, completion: dict[str, object]) -> bool:
        """False if the lesson was completed before."""
        statement = insert(LessonCompletion).values(completion).on_conflict_do_nothing()
        return await self._session.scalar(statement.returning(LessonCompletion.lesson_id)) is not None

    async def completed_lesson_ids(self, enrollment: Enrollment) -> Sequence[UUID]:
        query = select(LessonCompletion.lesson_id).where(LessonCompletion.enrollment_id == enrollment.id)
        ordered = query.order_by(LessonCompletion.completed_at, LessonCompletion.lesson_id)
        return (await self._session.scalars(ordered)).all()


def _readable(caller: Principal) -> list[ColumnElement[bool]]:
    conditions = [Enrollment.organization_id == caller.organization_id]
    if caller.scope("enrollment:read") is Scope.OWN:
        conditions.append(Enrollment.person_id == caller.person_id)
    return conditions
