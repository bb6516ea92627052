"""The rules of a quiz: what an answer scores, which feedback it earns, when keys may be seen, how many attempts.

An unanswered question scores 0. A question with one right choice, a number or a text scores 0 or 1; several choices
score all or nothing (`Credit.ALL`), or by the share of right decisions, ticks and gaps alike (`Credit.EACH`, which
Open edX calls "every decision counts"). An attempt's score is the mean of its questions.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from uuid import UUID

from stoa_common.errors import Conflict, FieldError, Invalid
from stoa_content.assessments.arithmetic import NotANumber, evaluate
from stoa_content.assessments.questions import (
    Answer,
    ChoiceFeedback,
    ChoiceKey,
    Credit,
    NumberRange,
    NumericKey,
    Outcome,
    Question,
    QuestionKind,
    Review,
    TextAnswer,
    TextKey,
)


class NoAttemptsLeft(Conflict):
    """The learner has used up the attempts that the quiz allows."""


class AnswersDoNotFit(Invalid):
    """An answer is not one that its question can have."""


WRONG = Outcome(score=0.0, correct=False)
RIGHT = Outcome(score=1.0, correct=True)


def grade(question: Question, answer: Answer | None) -> Outcome:
    """Score one answer that `check_answer` let through."""
    if answer is None:
        return WRONG
    match question.key:
        case ChoiceKey() as key:
            return _grade_choices(question, key, answer.choices or frozenset())
        case NumericKey() as key:
            number = _matching_range(key, answer)
            return RIGHT if number and number.correct else WRONG
        case TextKey() as key:
            found = _matching_text(key, answer)
            return RIGHT if found and found.correct else WRONG


def _grade_choices(question: Question, key: ChoiceKey, chosen: frozenset[str]) -> Outcome:
    if not chosen:
        return WRONG
    if question.kind is QuestionKind.SINGLE:
        return RIGHT if chosen <= key.correct else WRONG
    if key.credit is Credit.ALL or chosen == key.correct:
        return RIGHT if chosen == key.correct else WRONG
    wrong_decisions = len(chosen ^ key.correct)
    return Outcome(score=1 - wrong_decisions / len(question.options), correct=False)


def _matching_range(key: NumericKey, answer: Answer) -> NumberRange | None:
    if answer.number is None:
        return None
    number = evaluate(answer.number)
    return next((candidate for candidate in key.ranges if number in candidate), None)


def _matching_text(key: TextKey, answer: Answer) -> TextAnswer | None:
    given = _comparable(answer.text or "", case_sensitive=key.case_sensitive)
    answers = (each for each in key.answers if _comparable(each.text, case_sensitive=key.case_sensitive) == given)
    return next(answers, None)


def _comparable(text: str, *, case_sensitive: bool) -> str:
    # NFC, since an accent typed on a Mac may be a character of its own.
    spaced = " ".join(unicodedata.normalize("NFC", text).split())
    return spaced if case_sensitive else unicodedata.normalize("NFC", spaced.casefold())


def total(outcomes: Sequence[Outcome]) -> float:
    """An attempt's score: the mean of its questions, to six digits."""
    return round(sum(outcome.score for outcome in outcomes) / len(outcomes), 6)


def feedback(question: Question, answer: Answer | None, *, may_review: bool) -> str | None:
    """What the author says to this answer.

    Feedback on a choice not taken gives the key away, so it waits for the review rule.
    """
    if answer is None:
        return None
    match question.key:
        case ChoiceKey() as key:
            return _choice_feedback(question, key, answer.choices or frozenset(), may_review=may_review)
        case NumericKey() as key:
            number = _matching_range(key, answer)
            return number.feedback if number else None
        case TextKey() as key:
            text = _matching_text(key, answer)
            return text.feedback if text else None


def _choice_feedback(question: Question, key: ChoiceKey, chosen: frozenset[str], *, may_review: bool) -> str | None:
    for combination in key.combinations:
        if combination.choices == chosen:
            return combination.feedback
    texts = []
    for option in question.options:
        each = key.feedback.get(option.id, ChoiceFeedback())
        texts.append(each.chosen if option.id in chosen else each.unchosen if may_review else None)
    return "\n\n".join(text for text in texts if text) or None


def right_answer(question: Question) -> str:
    """The key in words, for a learner who may review."""
    match question.key:
        case ChoiceKey(correct=correct):
            return "; ".join(option.text for option in question.options if option.id in correct)
        case NumericKey(ranges=ranges):
            return "; ".join(str(each) for each in ranges if each.correct)
        case TextKey(answers=answers):
            return "; ".join(each.text for each in answers if each.correct)


def may_review(review: Review, *, attempts: int, max_attempts: int | None, passed: bool) -> bool:
    """Whether keys, hints and solutions may be seen by a learner after so many attempts."""
    match review:
        case Review.AFTER_ATTEMPT:
            return attempts > 0
        case Review.AFTER_PASSING:
            return passed
        case Review.AFTER_LAST_ATTEMPT:
            return passed or (max_attempts is not None and attempts >= max_attempts)
        case Review.NEVER:
            return False


def next_attempt_number(*, attempts: int, max_attempts: int | None) -> int:
    """The number of the attempt about to be made; raises NoAttemptsLeft."""
    if max_attempts is not None and attempts >= max_attempts:
        raise NoAttemptsLeft(f"All {max_attempts} attempts at this quiz are used; read your results instead.")
    return attempts + 1


def check_answers(questions: Mapping[UUID, Question], answers: Sequence[tuple[UUID, Answer]]) -> dict[UUID, Answer]:
    """The answers by question; raises AnswersDoNotFit, which names each answer that its question cannot have."""
    errors = [
        FieldError(field=f"answers.{place}", message=message)
        for place, (question_id, answer) in enumerate(answers)
        if (message := _misfit(questions.get(question_id), answer))
    ]
    if len({question_id for question_id, _ in answers}) < len(answers):
        errors.append(FieldError(field="answers", message="Answer each question once."))
    if errors:
        raise AnswersDoNotFit("Some answers do not fit their questions.", errors=errors)
    return dict(answers)


def _misfit(question: Question | None, answer: Answer) -> str | None:
    if question is None:
        return "The quiz has no question of this id."
    match question.kind:
        case QuestionKind.SINGLE | QuestionKind.MULTIPLE:
            return _misfit_of_choices(question, answer)
        case QuestionKind.NUMERIC:
            return _misfit_of_number(answer)
        case QuestionKind.TEXT:
            return None if answer.text is not None else "This question wants a `text`."


def _misfit_of_choices(question: Question, answer: Answer) -> str | None:
    if answer.choices is None:
        return "This question wants `choices`."
    if unknown := answer.choices - {option.id for option in question.options}:
        return f"There is no choice {min(unknown)}."
    if question.kind is QuestionKind.SINGLE and len(answer.choices) > 1:
        return "This question takes one choice."
    return None


def _misfit_of_number(answer: Answer) -> str | None:
    if answer.number is None:
        return "This question wants a `number`."
    try:
        evaluate(answer.number)
    except NotANumber as refusal:
        return str(refusal)
    return None
