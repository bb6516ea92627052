import re
from pathlib import Path

import pytest

from stoa_devkit.demo.answer_sheet import read_answer_sheet
from stoa_devkit.demo.course import SHIPPED, load

PAGES = sorted(path for path in SHIPPED.glob("*/*.md") if path.name != "index.md")
QUIZZES = [page for page in PAGES if "\nkind: quiz\n" in page.read_text()]
LESSONS = [page for page in PAGES if page not in QUIZZES]


def test_it_has_a_dozen_lessons_and_three_quizzes() -> None:
    assert (len(LESSONS), len(QUIZZES)) == (12, 3)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda page: page.stem)
def test_a_lesson_is_worth_reading_and_soon_read(lesson: Path) -> None:
    assert 300 <= len(lesson.read_text().split()) <= 650


def test_every_question_has_a_key_and_all_four_kinds_occur() -> None:
    sheet = read_answer_sheet(SHIPPED)

    titles = [title for quiz in QUIZZES for title in re.findall(r"^## (.+)$", quiz.read_text(), re.MULTILINE)]

    assert sorted(sheet) == sorted(titles)
    assert any(len(key.choices) == 1 for key in sheet.values())
    assert any(len(key.choices) > 1 for key in sheet.values())
    assert any(key.number is not None for key in sheet.values())
    assert any(key.text is not None for key in sheet.values())


def test_no_hint_and_no_solution_is_missing() -> None:
    for quiz in QUIZZES:
        text = quiz.read_text()
        questions = text.count("\n## ")
        assert (text.count("\n> hint: "), text.count("\n> solution: ")) == (questions, questions), quiz.name


def test_without_a_path_it_is_the_one_that_is_loaded() -> None:
    material = load(None)

    assert material.is_shipped
    assert material.archive.content_type == "application/gzip"
