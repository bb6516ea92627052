"""Problems of OLX: what becomes a question, and what goes to the report."""

from decimal import Decimal

import pytest
from content_olx import RADIO, the_lesson, the_question, the_quiz, unsupported
from content_samples import OLX, olx_problem

from stoa_content.assessments.questions import (
    ChoiceKey,
    Credit,
    NumericKey,
    QuestionKind,
    Review,
    TextKey,
)


def test_a_problems_rules_become_its_quizs() -> None:
    quiz = the_quiz(OLX)

    assert (quiz.title, quiz.max_attempts, quiz.review) == ("Green", 3, Review.AFTER_ATTEMPT)


def test_radio_buttons_have_feedback_a_hint_and_a_solution() -> None:
    (question,) = the_quiz(OLX).questions

    assert question.kind is QuestionKind.SINGLE
    assert [option.text for option in question.options] == ["apple", "potato"]
    assert isinstance(question.key, ChoiceKey)
    assert (set(question.key.correct), question.key.feedback["a"].chosen) == ({"b"}, "A fruit.")
    assert (question.prompt, question.hints) == ("Which is a vegetable?", ["Think of seeds."])
    assert question.solution == "The potato is a tuber."


def test_checkboxes_have_feedback_on_both_sides_and_on_combinations() -> None:
    question = the_question(
        "<p>Which?</p><choiceresponse><checkboxgroup>"
        '<choice correct="true">a<choicehint selected="true">Yes.</choicehint>'
        '<choicehint selected="false">This, too.</choicehint></choice>'
        '<choice correct="false">b</choice><compoundhint value="A B">Not both.</compoundhint>'
        "</checkboxgroup></choiceresponse>"
    )

    assert question.kind is QuestionKind.MULTIPLE
    assert isinstance(question.key, ChoiceKey)
    assert (question.key.feedback["a"].chosen, question.key.feedback["a"].unchosen) == ("Yes.", "This, too.")
    assert [(set(each.choices), each.feedback) for each in question.key.combinations] == [({"a", "b"}, "Not both.")]


@pytest.mark.parametrize(
    "dropdown",
    [
        """<optioninput options="('India','Spain, too','It\\'s')" correct="India"/>""",
        '<optioninput><option correct="True">India</option><option correct="False">Spain, too</option>'
        '<option correct="False">It\'s</option></optioninput>',
    ],
)
def test_dropdowns_are_read_in_both_forms(dropdown: str) -> None:
    question = the_question(f"<p>Where?</p><optionresponse>{dropdown}</optionresponse>")

    assert [option.text for option in question.options] == ["India", "Spain, too", "It's"]
    assert isinstance(question.key, ChoiceKey)
    assert question.key.correct == {"a"}


@pytest.mark.parametrize(
    ("attributes", "inner", "low", "high"),
    [
        ('answer="9.3*10^7"', '<responseparam type="tolerance" default="0"/>', "93000000", "93000000"),
        ('answer="50"', '<responseparam type="tolerance" default="2%"/>', "49", "51"),
        ('answer="5"', '<responseparam type="tolerance" default="0.5"/>', "4.5", "5.5"),
        ('answer="100000"', "", "99999", "100001"),
        ('answer="[5, 7)"', "", "5", "7"),
    ],
)
def test_numbers_have_their_tolerance(attributes: str, inner: str, low: str, high: str) -> None:
    body = f"<p>How many?</p><numericalresponse {attributes}>{inner}<formulaequationinput/></numericalresponse>"
    key = the_question(body).key

    assert isinstance(key, NumericKey)
    assert (key.ranges[0].low, key.ranges[0].high) == (Decimal(low), Decimal(high))


def test_texts_have_more_right_answers_and_feedback_on_wrong_ones() -> None:
    key = the_question(
        '<stringresponse answer="Alaska" type="ci"><correcthint>Yes.</correcthint>'
        '<additional_answer answer="AK"/><additional_answer>Alyeska</additional_answer>'
        '<stringequalhint answer="Texas">Second.</stringequalhint><textline label="Which state?"/></stringresponse>'
    ).key

    assert isinstance(key, TextKey)
    assert [(each.text, each.correct, each.feedback) for each in key.answers] == [
        ("Alaska", True, "Yes."),
        ("AK", True, "Yes."),
        ("Alyeska", True, "Yes."),
        ("Texas", False, "Second."),
    ]
    assert not key.case_sensitive


def test_a_label_is_the_prompt_where_nothing_else_asks() -> None:
    assert the_question('<stringresponse answer="x"><textline label="Which?"/></stringresponse>').prompt == "Which?"


def test_a_pattern_is_read_where_it_lists_words_and_reported_where_it_does_not() -> None:
    words = the_question('<stringresponse answer="^red|green$" type="regexp ci"><textline/></stringresponse>').key
    assert isinstance(words, TextKey)
    assert [each.text for each in words.answers] == ["red", "green"]

    pattern = olx_problem('<stringresponse answer="(a+)+$" type="regexp"><textline/></stringresponse>')

    assert unsupported(pattern) == [("problem", "stringresponse", "P")]


def test_each_response_of_a_problem_is_a_question_with_its_own_prompt() -> None:
    radio = f"<multiplechoiceresponse>{RADIO}</multiplechoiceresponse>"
    solution = "<solution><p>Both yes.</p></solution>"

    quiz = the_quiz(olx_problem(f"<p>First?</p>{radio}<p>Second?</p><div>{radio}</div><p>The end.</p>{solution}"))

    assert [(q.title, q.prompt) for q in quiz.questions] == [("P (1)", "First?"), ("P (2)", "Second?\n\nThe end.")]
    assert [question.solution for question in quiz.questions] == ["Both yes.", "Both yes."]


def test_a_response_that_cannot_be_graded_is_reported_and_its_text_stays() -> None:
    files = olx_problem(
        f"<p>First?</p><multiplechoiceresponse>{RADIO}</multiplechoiceresponse>"
        '<p>Second?</p><customresponse cfn="f"><textline correct_answer="SECRET"/></customresponse>'
        '<script type="loncapa/python">SECRET</script>'
    )

    lesson = the_lesson(files)

    assert lesson.quiz
    assert len(lesson.quiz.questions) == 1
    assert "Second?" in lesson.text
    assert "SECRET" not in lesson.text
    assert unsupported(files) == [("problem", "customresponse", "P")]


@pytest.mark.parametrize(
    "response",
    [
        "<customresponse><drag_and_drop_input/></customresponse>",
        '<customresponse cfn="f"><jsinput/></customresponse>',
        '<formularesponse answer="x"/>',
        "<imageresponse/>",
        "<coderesponse/>",
        "<choicetextresponse/>",
        "<responseofthefuturesresponse/>",
        '<numericalresponse answer="10*i"/>',
        '<numericalresponse answer="$x"/>',
        "<multiplechoiceresponse><choicegroup>"
        + '<choice correct="true">a</choice>' * 27
        + "</choicegroup></multiplechoiceresponse>",
    ],
)
def test_what_cannot_be_graded_is_reported_by_name(response: str) -> None:
    files = olx_problem(f"<p>Do it.</p>{response}")

    assert len(unsupported(files)) == 1
    assert unsupported(files)[0][2] == "P"
    assert "Do it." in the_lesson(files).text


def test_values_that_a_script_computes_are_reported() -> None:
    body = '<script type="loncapa/python">x = 5</script><p>Twice $x?</p><numericalresponse answer="10"/>'

    assert unsupported(olx_problem(body)) == [("problem", "numericalresponse", "P")]


def test_partial_credit_is_given_where_each_decision_counts_and_reported_elsewhere() -> None:
    group = '<checkboxgroup><choice correct="true">a</choice><choice correct="false">b</choice></checkboxgroup>'
    each = f'<choiceresponse partial_credit="EDC">{group}</choiceresponse>'
    halves = f'<choiceresponse partial_credit="halves">{group}</choiceresponse>'

    key = the_question(each).key

    assert isinstance(key, ChoiceKey)
    assert key.credit is Credit.EACH
    assert unsupported(olx_problem(each)) == []
    assert unsupported(olx_problem(halves)) == [("problem", "choiceresponse", "P")]
