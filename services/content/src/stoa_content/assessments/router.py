"""Quizzes and attempts over HTTP."""

from uuid import UUID

from fastapi import status

from stoa_common.database import SessionDep
from stoa_common.http import Router, require
from stoa_common.pages import Page, PageQuery
from stoa_common.security import Caller
from stoa_content.assessments import service
from stoa_content.assessments.schemas import AttemptIn, AttemptOut, AttemptSummaryOut, QuizOut

router = Router(prefix="/api/v1/content", tags=["assessments"])


@router.get("/quizzes/{quiz_id}", response_model=QuizOut, **require("course:read"))
async def get_quiz(quiz_id: UUID, session: SessionDep, caller: Caller) -> QuizOut:
    """Show a quiz as it is asked, without its keys."""
    return await service.get_quiz(session, quiz_id, reader=caller)


@router.post(
    "/quizzes/{quiz_id}/attempts",
    response_model=AttemptOut,
    status_code=status.HTTP_201_CREATED,
    **require("attempt:create"),
)
async def submit_attempt(quiz_id: UUID, body: AttemptIn, session: SessionDep, caller: Caller) -> AttemptOut:
    """Answer a quiz, and be told the score and the feedback; a passed quiz completes its lesson."""
    return await service.submit_attempt(session, quiz_id, body.answers, learner=caller)


@router.get("/quizzes/{quiz_id}/attempts", response_model=Page[AttemptSummaryOut], **require("attempt:read"))
async def list_attempts(
    quiz_id: UUID, session: SessionDep, caller: Caller, window: PageQuery
) -> Page[AttemptSummaryOut]:
    """List one's own attempts at a quiz; authors see those of every learner."""
    return await service.list_attempts(session, quiz_id, window, reader=caller)


@router.get("/attempts/{attempt_id}", response_model=AttemptOut, **require("attempt:read"))
async def get_attempt(attempt_id: UUID, session: SessionDep, caller: Caller) -> AttemptOut:
    """Show an attempt with its feedback, and what its learner may see of the key by now."""
    return await service.get_attempt(session, attempt_id, reader=caller)
