"""The rules of a quiz, by examples and by what holds for every quiz."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_common.errors import Refusal
from stoa_common.ids import new_id
from stoa_content.assessments import domain
from stoa_content.assessments.questions import (
    Answer,
    ChoiceFeedback,
    ChoiceKey,
    Combination,
    Credit,
    NumberRange,
    NumericKey,
    Option,
    Outcome,
    Question,
    QuestionKind,
    Review,
    TextAnswer,
    TextKey,
)

LETTERS = "abcdefgh"
numbers = st.decimals(min_value=-(10**6), max_value=10**6, places=4)


def a_choice(
    correct: str, *, options: str = "abcd", kind: QuestionKind = QuestionKind.MULTIPLE, **key: object
) -> Question:
    made = ChoiceKey(frozenset(correct), **key)  # type: ignore[arg-type]
    return Question(kind, "Q", "", [Option(letter, letter.upper()) for letter in options], made)


def a_number(low: str, high: str, high_included: bool = True) -> Question:
    return Question(
        QuestionKind.NUMERIC,
        "Q",
        "",
        [],
        NumericKey([NumberRange(Decimal(low), Decimal(high), high_included=high_included)]),
    )


def a_text(*texts: str, case_sensitive: bool = False) -> Question:
    key = TextKey([TextAnswer(text) for text in texts], case_sensitive)
    return Question(QuestionKind.TEXT, "Q", "", [], key)


def chosen(letters: str) -> Answer:
    return Answer(choices=frozenset(letters))


@st.composite
def choice_questions(draw: st.DrawFn) -> Question:
    options = LETTERS[: draw(st.integers(2, len(LETTERS)))]
    correct = draw(st.sets(st.sampled_from(options), min_size=1))
    return a_choice("".join(correct), options=options, credit=draw(st.sampled_from(Credit)))


@given(choice_questions(), st.sets(st.sampled_from(LETTERS)))
def test_any_choice_scores_from_nothing_to_one(question: Question, letters: set[str]) -> None:
    known = letters & {option.id for option in question.options}

    outcome = domain.grade(question, chosen("".join(known)))

    assert 0 <= outcome.score <= 1
    assert outcome.correct is (outcome.score == 1)


@given(choice_questions())
def test_the_key_itself_scores_one(question: Question) -> None:
    assert isinstance(question.key, ChoiceKey)
    assert domain.grade(question, Answer(choices=question.key.correct)) == Outcome(1, True)


@given(choice_questions(), st.randoms(use_true_random=False))
def test_the_order_of_choices_is_irrelevant(question: Question, random: object) -> None:
    assert isinstance(question.key, ChoiceKey)
    letters = sorted(question.key.correct)
    random.shuffle(letters)  # type: ignore[attr-defined]

    assert domain.grade(question, chosen("".join(letters))).correct


@given(choice_questions())
def test_one_wrong_decision_is_never_right(question: Question) -> None:
    assert isinstance(question.key, ChoiceKey)
    for option in question.options:
        off_by_one = question.key.correct ^ {option.id}
        assert not domain.grade(question, Answer(choices=off_by_one)).correct


@given(numbers, numbers.map(abs))
def test_numbers_within_the_tolerance_are_right(value: Decimal, width: Decimal) -> None:
    question = a_number(str(value - width), str(value + width))

    for right in (value, value - width, value + width):
        assert domain.grade(question, Answer(number=str(right))).correct
    assert not domain.grade(question, Answer(number=str(value + width + Decimal("0.0001")))).correct


@given(st.text(min_size=1).filter(str.strip))
def test_spaces_around_a_text_and_its_case_do_not_matter(text: str) -> None:
    question = a_text(text)

    for given_text in (text, f"  {text}\n", text.upper() if text.upper().lower() == text.lower() else text):
        assert domain.grade(question, Answer(text=given_text)).correct


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_a_total_lies_from_nothing_to_one(scores: list[float]) -> None:
    total = domain.total([Outcome(score, score == 1) for score in scores])

    assert 0 <= total <= 1
    assert min(scores) - 1e-6 <= total <= max(scores) + 1e-6


def test_every_right_answer_makes_a_total_of_exactly_one() -> None:
    for count in range(1, 200):
        assert domain.total([Outcome(1, True)] * count) == 1


def test_each_decision_counts_where_the_author_says_so() -> None:
    question = a_choice("ab", credit=Credit.EACH)

    assert domain.grade(question, chosen("a")).score == 0.75
    assert domain.grade(question, chosen("ac")).score == 0.5
    assert domain.grade(question, chosen("cd")).score == 0
    assert domain.grade(question, chosen("")).score == 0


def test_each_of_several_right_radio_buttons_is_right() -> None:
    question = a_choice("ab", kind=QuestionKind.SINGLE)

    assert domain.grade(question, chosen("a")).correct
    assert not domain.grade(question, chosen("c")).correct


def test_an_end_that_is_left_out_is_wrong() -> None:
    question = a_number("5", "7", high_included=False)

    assert domain.grade(question, Answer(number="5")).correct
    assert not domain.grade(question, Answer(number="7")).correct


def test_case_matters_where_the_author_says_so() -> None:
    question = a_text("pH", case_sensitive=True)

    assert domain.grade(question, Answer(text=" pH ")).correct
    assert not domain.grade(question, Answer(text="PH")).correct


def test_an_accent_is_the_same_however_it_was_typed() -> None:
    assert domain.grade(a_text("caf\u00e9"), Answer(text="CAFE\u0301")).correct


def test_a_foreseen_wrong_answer_has_its_feedback() -> None:
    key = TextKey([TextAnswer("Alaska", feedback="Yes."), TextAnswer("Texas", correct=False, feedback="Second.")])
    question = Question(QuestionKind.TEXT, "Q", "", [], key)

    assert not domain.grade(question, Answer(text="texas")).correct
    assert domain.feedback(question, Answer(text="texas"), may_review=False) == "Second."
    assert domain.right_answer(question) == "Alaska"


def test_feedback_on_what_was_not_chosen_waits_for_the_review() -> None:
    question = a_choice("ab", feedback={"b": ChoiceFeedback(unchosen="b, too.")})

    assert domain.feedback(question, chosen("a"), may_review=False) is None
    assert domain.feedback(question, chosen("a"), may_review=True) == "b, too."


def test_feedback_on_a_combination_replaces_that_on_its_parts() -> None:
    both = [Combination(frozenset("ab"), "Both!")]
    question = a_choice("ab", feedback={"a": ChoiceFeedback("a.")}, combinations=both)

    assert domain.feedback(question, chosen("ab"), may_review=False) == "Both!"
    assert domain.feedback(question, chosen("a"), may_review=False) == "a."


@pytest.mark.parametrize(
    ("review", "attempts", "passed", "open_"),
    [
        (Review.AFTER_ATTEMPT, 0, False, False),
        (Review.AFTER_ATTEMPT, 1, False, True),
        (Review.AFTER_PASSING, 3, False, False),
        (Review.AFTER_PASSING, 1, True, True),
        (Review.AFTER_LAST_ATTEMPT, 2, False, False),
        (Review.AFTER_LAST_ATTEMPT, 3, False, True),
        (Review.AFTER_LAST_ATTEMPT, 1, True, True),
        (Review.NEVER, 3, True, False),
    ],
)
def test_the_review_rule_decides_when_keys_are_seen(review: Review, attempts: int, passed: bool, open_: bool) -> None:
    assert domain.may_review(review, attempts=attempts, max_attempts=3, passed=passed) is open_


def test_an_unlimited_quiz_has_no_last_attempt() -> None:
    assert not domain.may_review(Review.AFTER_LAST_ATTEMPT, attempts=99, max_attempts=None, passed=False)
    assert domain.next_attempt_number(attempts=99, max_attempts=None) == 100


def test_used_up_attempts_are_refused() -> None:
    with pytest.raises(domain.NoAttemptsLeft):
        domain.next_attempt_number(attempts=3, max_attempts=3)


answers = st.builds(
    Answer,
    choices=st.none() | st.frozensets(st.sampled_from(LETTERS)),
    number=st.none() | st.text(max_size=20) | numbers.map(str),
    text=st.none() | st.text(max_size=20),
)
questions = choice_questions() | st.just(a_number("1", "2")) | st.just(a_text("a"))


@given(questions, answers)
def test_what_the_check_lets_through_is_graded(question: Question, answer: Answer) -> None:
    question_id = new_id()
    try:
        checked = domain.check_answers({question_id: question}, [(question_id, answer)])
    except Refusal:
        return

    outcome = domain.grade(question, checked[question_id])

    assert 0 <= outcome.score <= 1
    domain.feedback(question, answer, may_review=True)
