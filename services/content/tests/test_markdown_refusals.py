"""Markdown that breaks the format: refused with file and line, and no secret ever enters a text."""

import pytest
from content_markdown import QUIZ_FILE, finding, findings, parsed, the_quiz
from content_samples import MARKDOWN, Files, quiz_of, with_file
from hypothesis import given
from hypothesis import strategies as st

from stoa_common.errors import Refusal
from stoa_content.imports.domain import CourseFormatIsUnknown


@pytest.mark.parametrize(
    ("lines", "line", "message"),
    [
        (["- ( ) a", "- ( ) b"], 5, "The question has no right answer; mark one with (x)."),
        (["- [ ] a", "- [ ] b"], 5, "The question has no right answer; mark one with [x]."),
        (["- (x) a", "- (x) b"], 7, "Two choices are right; mark choices with `[ ]` and `[x]` instead of `( )`."),
        (["- (x) a"], 5, "A question has 2 to 26 choices."),
        (["- (x) a", "- [ ] b"], 7, "Mark all choices alike: `( )` where one is right, `[ ]` where several may be."),
        (["- (x) a", "- ( )"], 7, "The choice has no text."),
        (["- (x) a", "- ( ) b", "= 1"], 8, "A question has either choices or lines with `=`, not both."),
        (["Just prose."], 5, "The question has no right answer; add choices, or a line `= answer`."),
        (["not= 5"], 5, "The question has no right answer; add choices, or a line `= answer`."),
        (["= "], 6, "Write an answer after `=`."),
        (["= 5 +- much"], 6, "Write the tolerance as a number or a percentage: `= 42 +- 0.5` or `= 42 +- 2%`."),
        (["= 5 +- -1"], 6, "Write the tolerance as a number or a percentage: `= 42 +- 0.5` or `= 42 +- 2%`."),
        (["= [7, 5]"], 6, "The range begins above its end."),
        (["= 5", "or= five"], 5, 'Some answers are numbers and some are not; put all in quotes: `= "12"`.'),
    ],
)
def test_a_question_that_cannot_be_graded_is_refused_where_it_stands(lines: list[str], line: int, message: str) -> None:
    assert finding(quiz_of("\n".join(["## Q", *lines]))) == (f"{QUIZ_FILE}:{line}", message)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("No head.", ":1", "Begin the file with front matter: `---`, `title: ...`, `---`."),
        ("---\ntitle: T\n", ":1", "The front matter is not closed; put `---` in a line of its own after it."),
        ("---\nkind: lesson\n---\n", ":1", "The front matter needs a `title`."),
        ("---\ntitle: T\nkind: exam\n---\n", ":3", "`kind` must be one of lesson, quiz."),
        ("---\ntitle: 12\n---\n", ":2", "`title` must be text; put it in quotes."),
        ('---\ntitle: "a\\0b"\n---\n', ":2", "`title` holds a control character."),
        ('---\ntitle: "\\ud800"\n---\n', ":2", "`title` holds a control character."),
        ("---\n- a\n---\n", ":2", "The front matter must be lines of `name: value`."),
        (
            "---\ntitle: T\nkind: quiz\n---\nNothing asked.\n",
            ":5",
            "A quiz needs a question: begin one with `## ` and its title.",
        ),
        (
            "---\ntitle: T\nkind: quiz\n---\n- (x) a\n\n## Q\n= 1\n",
            ":5",
            "Put a heading of level 2, the question's title, above its answers.",
        ),
        (
            "---\ntitle: T\n---\n\n- (x) a\n- ( ) b\n",
            ":5",
            "This is a choice of a question: say `kind: quiz` in the front matter.",
        ),
        (
            "---\ntitle: T\nkind: quiz\nmax_attempts: many\n---\n## Q\n= 1\n",
            ":4",
            "`max_attempts` must be a whole number from 1 to 1000.",
        ),
        (
            "---\ntitle: T\nkind: quiz\npassing_score: 60\n---\n## Q\n= 1\n",
            ":4",
            "`passing_score` must be a number from 0 to 1, such as 0.6.",
        ),
        (
            "---\ntitle: T\nkind: quiz\nreview: later\n---\n## Q\n= 1\n",
            ":4",
            "`review` must be one of after_attempt, after_passing, after_last_attempt, never.",
        ),
        ("---\ntitle: T\nkind: quiz\n---\n## \n= 1\n", ":5", "The question needs a title after `##`."),
        ("---\ntitle: T\nvideos: [ftp://x]\n---\n", ":3", "A video is an address with https://."),
        ("---\ntitle: T\n---\nsee \0 here", ":4", "The line holds a NUL character."),
    ],
)
def test_a_file_that_breaks_the_format_is_refused_where_it_does(text: str, place: str, message: str) -> None:
    found = findings(with_file(QUIZ_FILE, text))

    assert (QUIZ_FILE + place, message) in found
    if "choice" not in message:
        assert len(found) == 1


def test_a_file_that_is_not_utf8_is_refused_with_its_line() -> None:
    content = "---\ntitle: Caf\u00e9\n---\n".encode("latin-1")

    assert finding(content) == (f"{QUIZ_FILE}:2", "The file is not UTF-8; save it in that encoding.")  # type: ignore[arg-type]


def test_yaml_that_grows_or_digs_is_refused() -> None:
    for head in ("a: &a [1]\nb: *a", "title: " + "[" * 3_000, "title: [", "title: !!python/name:os.system"):
        ((place, message),) = findings(with_file(QUIZ_FILE, f"---\n{head}\n---\n"))
        assert place.startswith(QUIZ_FILE)
        assert message.startswith("The front matter is not YAML")


def test_everything_wrong_is_told_at_once() -> None:
    broken = {
        **MARKDOWN,
        "03-x.md": "no head",
        "04-y.md": b"\xff",
        QUIZ_FILE: quiz_of("## Q\n- ( ) a\n- ( ) b", "## R"),
    }

    assert [place.partition(":")[0] for place, _ in findings(broken)] == [QUIZ_FILE, QUIZ_FILE, "03-x.md", "04-y.md"]


def test_a_lesson_that_is_too_long_is_refused() -> None:
    ((place, message),) = findings(with_file("03-x.md", "---\ntitle: T\n---\n" + "word " * 12_001))

    assert place == "03-x.md"
    assert "split it" in message


def test_a_course_without_lessons_or_with_a_strange_language_is_refused() -> None:
    only_head: Files = {"course.md": "---\ntitle: T\nlanguage: the tongue of trees\n---\n"}

    assert len(findings(only_head)) == 2


@pytest.mark.parametrize("files", [{}, {"lesson.md": "---\ntitle: T\n---\n"}, {"a/course.md": "", "b/course.md": ""}])
def test_a_folder_without_one_course_is_refused(files: Files) -> None:
    with pytest.raises(CourseFormatIsUnknown):
        parsed(files)


lines = st.sampled_from(
    [
        "## Q",
        "- (x) a",
        "- ( ) b",
        "- [x] c",
        "- [ ] d",
        "= 1",
        "= 5 +- 1%",
        "or= x",
        "not= 2 {{ f }}",
        "> hint: h",
        "> solution: s",
        "> more",
        "  more",
        "text",
        "",
        "```",
        "---",
        "= [1,2)",
        "- () e",
        "{{ }}",
        "= {{ f }}",
        "# T",
        "\t",
        '= "q"',
    ]
)


@given(st.lists(lines | st.text(max_size=30), max_size=25))
def test_any_lines_make_a_quiz_or_are_refused(body: list[str]) -> None:
    try:
        quiz = the_quiz(quiz_of("\n".join(body)))
    except Refusal:
        return

    assert quiz.questions
    assert all(question.title for question in quiz.questions)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_make_a_lesson_or_are_refused(content: bytes) -> None:
    for text in (content, b"---\n" + content + b"\n---\n"):
        try:
            course = parsed(with_file(QUIZ_FILE, text))
        except Refusal:
            continue
        assert "\0" not in "".join(lesson.text for lesson in course.lessons())


@given(st.text("ab-x()[]{}=#> \n\t`", max_size=60), st.text("ab-x()[]{}=#> \n\t`", max_size=60))
def test_a_secret_never_enters_the_text(before: str, after: str) -> None:
    secret = "S3CRET"
    choices = f"- (x) right {{{{ {secret} }}}}\n- ( ) wrong"
    body = f"## Q\n{before}\n{choices}\n> hint: {secret}\n> solution: {secret}\n\n{after}"
    try:
        course = parsed(with_file(QUIZ_FILE, quiz_of(body)))
    except Refusal:
        return
    fenced = "```" in before

    assert fenced or secret not in "".join(lesson.text for lesson in course.lessons())
