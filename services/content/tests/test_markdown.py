"""The Markdown course: what its folders and files become."""

from decimal import Decimal

import pytest
from content_markdown import QUIZ_FILE, parsed, the_question, the_quiz
from content_samples import MARKDOWN, Files, quiz_of, with_file

from stoa_content.assessments.questions import (
    ChoiceKey,
    Credit,
    NumericKey,
    QuestionKind,
    Review,
    TextAnswer,
    TextKey,
)


def test_folders_become_chapters_and_files_lessons_in_the_order_of_their_names() -> None:
    course = parsed(MARKDOWN)

    assert (course.title, course.language, course.description) == ("Plants", "en", "A small course.")
    assert [chapter.title for chapter in course.chapters] == ["On leaves", "Roots"]
    assert [lesson.title for lesson in course.lessons()] == ["Why leaves are green", "What plants are", "Tubers"]
    assert course.report.counts == {"chapter": 2, "lesson": 2, "quiz": 1, "question": 4}


def test_numbers_in_names_count_by_value() -> None:
    lesson = "---\ntitle: T{}\n---\n"
    files: Files = {f"1-a/{n}-x²٣.md": lesson.format(n) for n in (10, 9, 100, 2)}

    course = parsed({"course.md": MARKDOWN["course.md"], **files})

    assert [lesson.title for lesson in course.lessons()] == ["T2", "T9", "T10", "T100"]


def test_folders_in_a_chapter_become_sections() -> None:
    course = parsed(with_file("01-leaves/03-more/01-x.md", "---\ntitle: X\n---\n"))

    assert [section.title for section in course.chapters[0].sections] == ["On leaves", "More"]


def test_a_course_may_lie_in_a_folder_of_the_archive_and_begin_with_a_readme() -> None:
    files = {name.replace("course.md", "README.md"): content for name, content in MARKDOWN.items()}

    course = parsed({f"plants-main/{name}": content for name, content in files.items()}, "plants-main/.git/HEAD")

    assert course.title == "Plants"
    assert course.report.unsupported == []


def test_a_lessons_text_begins_with_its_title_once() -> None:
    texts = [lesson.text for lesson in parsed(MARKDOWN).lessons()]

    assert texts[0] == "# Why leaves are green\n\nLeaves hold a pigment that takes in light.\n"
    assert texts[2] == "# Tubers\n\nA potato stores starch.\n"


def test_a_quizs_text_has_titles_and_prompts_and_nothing_else() -> None:
    (quiz,) = (lesson for lesson in parsed(MARKDOWN).lessons() if lesson.quiz)

    assert quiz.text == (
        "# What plants are\n\nFour questions about plants.\n\n"
        "## A vegetable\n\nWhich of these is a vegetable?\n\n"
        "## Fruits\n\nWhich of these are fruits?\n\n"
        "## Petals\n\nHow many petals has a buttercup, about?\n\n"
        "## The green\n\nWhich pigment makes leaves green?\n"
    )


def test_a_quizs_rules_come_from_its_front_matter() -> None:
    quiz = the_quiz(str(MARKDOWN[QUIZ_FILE]))

    assert (quiz.max_attempts, quiz.passing_score, quiz.review) == (2, 0.75, Review.AFTER_LAST_ATTEMPT)
    default = the_quiz(quiz_of("## Q\n= 1"))
    assert (default.max_attempts, default.passing_score, default.review) == (None, 0.6, Review.AFTER_PASSING)


def test_a_choice_has_its_feedback_hints_and_solution() -> None:
    question = the_question(
        "Which?",
        "- ( ) one {{ no,",
        "  not that }}",
        "- (x) two",
        "  of them",
        "",
        "> hint: h1",
        "> more",
        "> hint: h2",
        "> solution: s",
    )

    assert question.kind is QuestionKind.SINGLE
    assert [(option.id, option.text) for option in question.options] == [("a", "one"), ("b", "two\nof them")]
    assert isinstance(question.key, ChoiceKey)
    assert question.key.correct == {"b"}
    assert question.key.feedback["a"].chosen == "no,\nnot that"
    assert (question.prompt, question.hints, question.solution) == ("Which?", ["h1\nmore", "h2"], "s")


@pytest.mark.parametrize(
    ("line", "low", "high"),
    [
        ("= 42", "42", "42"),
        ("= 42 +- 0.5", "41.5", "42.5"),
        ("= -50 ± 2%", "-51", "-49"),
        ("=1.5e3+-1e2", "1400", "1600"),
        ("= [41, 43)", "41", "43"),
    ],
)
def test_a_number_has_its_range(line: str, low: str, high: str) -> None:
    key = the_question(line).key

    assert isinstance(key, NumericKey)
    assert (key.ranges[0].low, key.ranges[0].high) == (Decimal(low), Decimal(high))
    assert key.ranges[0].high_included is not line.endswith(")")


def test_texts_may_have_several_right_answers_and_foreseen_wrong_ones() -> None:
    key = the_question("= Alaska {{ Yes. }}", 'or= "49"', "not= Texas {{ No. }}").key

    expected = [TextAnswer("Alaska", True, "Yes."), TextAnswer("49", True), TextAnswer("Texas", False, "No.")]
    assert key == TextKey(expected)


def test_front_matter_may_say_how_choices_and_texts_are_graded() -> None:
    text = quiz_of("## A\n- [x] a\n- [ ] b", "## B\n= pH").replace(
        "kind: quiz", "kind: quiz\ncredit: each\ncase_sensitive: true"
    )

    several, word = the_quiz(text).questions

    assert isinstance(several.key, ChoiceKey)
    assert several.key.credit is Credit.EACH
    assert isinstance(word.key, TextKey)
    assert word.key.case_sensitive


def test_fenced_code_is_prompt_whatever_it_holds() -> None:
    question = the_question("```", "## no heading", "- (x) no choice", "= no answer", "```", "= 1")

    assert question.prompt == "```\n## no heading\n- (x) no choice\n= no answer\n```"


def test_what_is_not_read_is_named_in_the_report() -> None:
    files = with_file("01-leaves/03-z.md", "---\ntitle: Z\nduration: 5\n---\n")

    course = parsed({**files, "03-empty/index.md": "---\ntitle: E\n---\n"}, "01-leaves/leaf.png")

    named = [(each.kind, each.type, each.id) for each in course.report.unsupported]
    assert named == [
        ("field", "duration", "01-leaves/03-z.md"),
        ("chapter", "folder", "03-empty"),
        ("file", "png", "01-leaves/leaf.png"),
    ]
