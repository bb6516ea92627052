"""Queries on quizzes and attempts; the caller's organization and scope are part of each."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from stoa_common import pages
from stoa_common.database import Session
from stoa_common.errors import NotFound
from stoa_common.pages import PageQuery
from stoa_common.permissions import Scope
from stoa_common.security import Principal
from stoa_content.assessments.models import Attempt, QuestionRow, QuizRow


class QuizNotFound(NotFound):
    """There is no such quiz, or the caller may not see it."""


class AttemptNotFound(NotFound):
    """There is no such attempt, or the caller may not see it."""


class AssessmentRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def get_quiz(self, quiz_id: UUID, caller: Principal) -> QuizRow:
        """A quiz of the caller's organization; whether its course is open is the courses' to say."""
        query = select(QuizRow).where(QuizRow.id == quiz_id, QuizRow.organization_id == caller.organization_id)
        quiz = await self._session.scalar(query)
        if quiz is None:
            raise QuizNotFound("There is no such quiz.")
        return quiz

    async def questions(self, quiz: QuizRow) -> Sequence[QuestionRow]:
        query = select(QuestionRow).where(
            QuestionRow.quiz_id == quiz.id, QuestionRow.organization_id == quiz.organization_id
        )
        return (await self._session.scalars(query.order_by(QuestionRow.position))).all()

    async def standing(self, quiz: QuizRow, person_id: UUID) -> tuple[int, bool]:
        """How many attempts a person made at a quiz, and whether one of them passed."""
        query = select(func.count(), func.coalesce(func.bool_or(Attempt.passed), False)).where(
            Attempt.quiz_id == quiz.id,
            Attempt.person_id == person_id,
            Attempt.organization_id == quiz.organization_id,
        )
        count, passed = (await self._session.execute(query)).one()
        return int(count), bool(passed)

    async def get_attempt(self, attempt_id: UUID, caller: Principal) -> Attempt:
        """The attempt, if the caller may read it; raises AttemptNotFound."""
        attempt = await self._session.scalar(select(Attempt).where(Attempt.id == attempt_id, *_readable(caller)))
        if attempt is None:
            raise AttemptNotFound("There is no such attempt.")
        return attempt

    async def list_attempts(
        self, quiz: QuizRow, caller: Principal, window: PageQuery
    ) -> tuple[Sequence[Attempt], str | None]:
        query = select(Attempt).where(Attempt.quiz_id == quiz.id, *_readable(caller))
        return await pages.page(self._session, query, by=[Attempt.id], window=window)


def _readable(caller: Principal) -> list[ColumnElement[bool]]:
    conditions = [Attempt.organization_id == caller.organization_id]
    if caller.scope("attempt:read") is Scope.OWN:
        conditions.append(Attempt.person_id == caller.person_id)
    return conditions
