from pathlib import Path

from stoa_devkit.demo.answer_sheet import Key, read_answer_sheet

QUIZ = """---
title: A quiz
kind: quiz
---

## One of two

- ( ) Paris {{ No, that is in France. }}
- (x) Rome {{ Yes. }}

## Some of three

- [x] one
- [ ] two
- [X] three

## A number

= -2.5 +- 0.1 {{ Cold. }}

## An exact number

= 12

## A number as a text

= "12"

## A word

= Ostia
or= Portus
"""


def a_course(folder: Path, **files: str) -> Path:
    (folder / "course.md").write_text("---\ntitle: Rome\n---\n")
    for name, text in files.items():
        (folder / f"{name}.md").write_text(text)
    return folder


def test_each_kind_of_question_has_its_key(tmp_path: Path) -> None:
    sheet = read_answer_sheet(a_course(tmp_path, quiz=QUIZ))

    assert sheet == {
        "One of two": Key(choices={"Rome"}),
        "Some of three": Key(choices={"one", "three"}),
        "A number": Key(number=-2.5),
        "An exact number": Key(number=12.0),
        "A number as a text": Key(text="12"),
        "A word": Key(text="Ostia"),
    }


def test_choices_in_a_lesson_are_no_key(tmp_path: Path) -> None:
    lesson = "---\ntitle: How to write a quiz\n---\n\n## Like this\n\n- (x) right\n"

    assert read_answer_sheet(a_course(tmp_path, lesson=lesson)) == {}


def test_an_export_of_another_system_gives_no_answers_away(tmp_path: Path) -> None:
    (tmp_path / "course.xml").write_text("<course/>")

    assert read_answer_sheet(tmp_path) == {}
