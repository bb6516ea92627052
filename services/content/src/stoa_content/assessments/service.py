"""What can be done with quizzes: read one, answer it, look at the results."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from stoa_common import clock, outbox
from stoa_common.database import Session
from stoa_common.ids import new_id
from stoa_common.pages import Page, PageQuery
from stoa_common.security import Principal
from stoa_content.assessments import domain
from stoa_content.assessments.arithmetic import NotANumber, evaluate, literal
from stoa_content.assessments.models import Attempt, QuestionRow, QuizRow
from stoa_content.assessments.questions import (
    DEFAULT_PASSING_SCORE,
    Answer,
    ChoiceFeedback,
    ChoiceKey,
    Combination,
    Credit,
    Key,
    NumberRange,
    NumericKey,
    Option,
    Outcome,
    Question,
    QuestionKind,
    Quiz,
    Review,
    TextAnswer,
    TextKey,
)
from stoa_content.assessments.repository import AssessmentRepository, QuizNotFound
from stoa_content.assessments.schemas import (
    AnswerIn,
    AttemptOut,
    AttemptSummaryOut,
    QuestionOut,
    QuestionResultOut,
    QuizOut,
    quiz_fields,
)
from stoa_content.courses import service as courses
from stoa_content.enrollments import service as enrollments
from stoa_events.contracts.content import AttemptGraded, QuestionOutcome

#: What a question is, for features that bring questions in.
__all__ = [
    "DEFAULT_PASSING_SCORE",
    "ChoiceFeedback",
    "ChoiceKey",
    "Combination",
    "Credit",
    "Key",
    "NotANumber",
    "NumberRange",
    "NumericKey",
    "Option",
    "Question",
    "QuestionKind",
    "Quiz",
    "Review",
    "TextAnswer",
    "TextKey",
    "add_quiz",
    "evaluate",
    "get_attempt",
    "get_quiz",
    "list_attempts",
    "literal",
    "submit_attempt",
]

Questions = Mapping[UUID, QuestionRow]


def add_quiz(
    session: Session, quiz: Quiz, *, quiz_id: UUID, organization_id: UUID, course_id: UUID, lesson_id: UUID
) -> None:
    """Add a quiz that an import brought in to its lesson."""
    row = QuizRow(
        id=quiz_id,
        organization_id=organization_id,
        course_id=course_id,
        lesson_id=lesson_id,
        title=quiz.title,
        max_attempts=quiz.max_attempts,
        passing_score=quiz.passing_score,
        review=quiz.review,
    )
    session.add(row)
    session.add_all(_question_row(row, position, question) for position, question in enumerate(quiz.questions))


def _question_row(quiz: QuizRow, position: int, question: Question) -> QuestionRow:
    return QuestionRow(
        id=new_id(),
        organization_id=quiz.organization_id,
        quiz_id=quiz.id,
        position=position,
        kind=question.kind,
        title=question.title,
        prompt=question.prompt,
        options=list(question.options),
        key=question.key,
        hints=list(question.hints),
        solution=question.solution,
    )


async def get_quiz(session: Session, quiz_id: UUID, *, reader: Principal) -> QuizOut:
    """A quiz as learners see it before they answer; raises QuizNotFound."""
    quiz = await _visible_quiz(session, quiz_id, reader)
    questions = await AssessmentRepository(session).questions(quiz)
    return QuizOut(**quiz_fields(quiz), questions=[QuestionOut.model_validate(row) for row in questions])


async def submit_attempt(
    session: Session, quiz_id: UUID, answers: Sequence[AnswerIn], *, learner: Principal
) -> AttemptOut:
    """Grade a learner's answers; a passed quiz completes its lesson.

    Raises QuizNotFound, CourseIsDraft, NotEnrolled, NoAttemptsLeft, AnswersDoNotFit.
    """
    assessments = AssessmentRepository(session)
    quiz = await _visible_quiz(session, quiz_id, learner)
    await courses.get_open_course(session, quiz.course_id, learner=learner)
    # The enrollment's lock puts parallel attempts in a line: each counts those before it.
    enrollment = await enrollments.lock_own(session, quiz.course_id, learner=learner)
    questions = {row.id: row for row in await assessments.questions(quiz)}
    given = domain.check_answers(
        {row.id: row.question for row in questions.values()}, [(each.question_id, each.answer()) for each in answers]
    )
    made, passed_before = await assessments.standing(quiz, learner.person_id)
    number = domain.next_attempt_number(attempts=made, max_attempts=quiz.max_attempts)
    attempt = _graded(quiz, questions, given, number=number, learner=learner)
    session.add(attempt)
    outbox.add(session, _event(attempt, questions))
    if attempt.passed:
        await enrollments.complete_locked(session, enrollment, quiz.lesson_id)
    return _attempt_out(attempt, quiz, questions, attempts=number, passed=passed_before or attempt.passed)


def _graded(
    quiz: QuizRow, questions: Questions, answers: dict[UUID, Answer], *, number: int, learner: Principal
) -> Attempt:
    outcomes = {id: domain.grade(row.question, answers.get(id)) for id, row in questions.items()}
    score = domain.total(list(outcomes.values()))
    return Attempt(
        id=new_id(),
        organization_id=quiz.organization_id,
        course_id=quiz.course_id,
        lesson_id=quiz.lesson_id,
        quiz_id=quiz.id,
        person_id=learner.person_id,
        number=number,
        score=score,
        passed=score >= quiz.passing_score,
        answers=answers,
        outcomes=outcomes,
        graded_at=clock.now(),
    )


def _event(attempt: Attempt, questions: Questions) -> AttemptGraded:
    return AttemptGraded(
        attempt_id=attempt.id,
        organization_id=attempt.organization_id,
        course_id=attempt.course_id,
        lesson_id=attempt.lesson_id,
        quiz_id=attempt.quiz_id,
        person_id=attempt.person_id,
        number=attempt.number,
        score=attempt.score,
        passed=attempt.passed,
        questions=[
            QuestionOutcome(question_id=id, title=questions[id].title, score=outcome.score, correct=outcome.correct)
            for id, outcome in attempt.outcomes.items()
        ],
        graded_at=attempt.graded_at,
    )


async def get_attempt(session: Session, attempt_id: UUID, *, reader: Principal) -> AttemptOut:
    """An attempt with what its learner may see of the key by now; raises AttemptNotFound."""
    assessments = AssessmentRepository(session)
    attempt = await assessments.get_attempt(attempt_id, reader)
    quiz = await assessments.get_quiz(attempt.quiz_id, reader)
    questions = {row.id: row for row in await assessments.questions(quiz)}
    made, passed = await assessments.standing(quiz, attempt.person_id)
    return _attempt_out(attempt, quiz, questions, attempts=made, passed=passed)


async def list_attempts(
    session: Session, quiz_id: UUID, window: PageQuery, *, reader: Principal
) -> Page[AttemptSummaryOut]:
    quiz = await _visible_quiz(session, quiz_id, reader)
    found, following = await AssessmentRepository(session).list_attempts(quiz, reader, window)
    return Page(items=[AttemptSummaryOut.model_validate(attempt) for attempt in found], next=following)


async def _visible_quiz(session: Session, quiz_id: UUID, reader: Principal) -> QuizRow:
    """The quiz, if the reader may see its course."""
    quiz = await AssessmentRepository(session).get_quiz(quiz_id, reader)
    if not await courses.may_read(session, quiz.course_id, reader=reader):
        raise QuizNotFound("There is no such quiz.")
    return quiz


def _attempt_out(attempt: Attempt, quiz: QuizRow, questions: Questions, *, attempts: int, passed: bool) -> AttemptOut:
    may_review = domain.may_review(quiz.review, attempts=attempts, max_attempts=quiz.max_attempts, passed=passed)
    results = [
        _result(row, attempt.answers.get(id), attempt.outcomes[id], may_review=may_review)
        for id, row in questions.items()
    ]
    return AttemptOut(**AttemptSummaryOut.model_validate(attempt).model_dump(), questions=results)


def _result(row: QuestionRow, answer: Answer | None, outcome: Outcome, *, may_review: bool) -> QuestionResultOut:
    question = row.question
    return QuestionResultOut(
        question_id=row.id,
        title=question.title,
        score=outcome.score,
        correct=outcome.correct,
        feedback=domain.feedback(question, answer, may_review=may_review),
        right_answer=domain.right_answer(question) if may_review else None,
        hints=list(question.hints) if may_review else [],
        solution=question.solution if may_review else None,
    )
