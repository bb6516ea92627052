"""Reading OLX in tests: the sample with one thing changed, and what becomes of it."""

import pytest
from content_samples import Files, olx_problem

from stoa_content.assessments.questions import (
    Question,
    Quiz,
)
from stoa_content.imports.domain import CourseIsMalformed, ParsedCourse, ParsedLesson
from stoa_content.imports.folder import Folder
from stoa_content.imports.formats import parse_folder

RADIO = '<choicegroup><choice correct="true">yes</choice><choice correct="false">no</choice></choicegroup>'


def parsed(files: Files) -> ParsedCourse:
    folder = Folder(packed_bytes=1)
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        folder.add(name, data if folder.keeps(name) else None)
    return parse_folder(folder)


def the_lesson(files: Files) -> ParsedLesson:
    (lesson,) = parsed(files).lessons()
    return lesson


def the_quiz(files: Files) -> Quiz:
    quiz = the_lesson(files).quiz
    assert quiz
    return quiz


def the_question(body: str) -> Question:
    (question,) = the_quiz(olx_problem(body)).questions
    return question


def unsupported(files: Files) -> list[tuple[str, str, str]]:
    """Everything in the report but the picture that the sample has."""
    found = parsed(files).report.unsupported
    return [(each.kind, each.type, each.title) for each in found if each.kind != "file"]


def findings(files: Files) -> list[tuple[str, str]]:
    with pytest.raises(CourseIsMalformed) as refused:
        parsed(files)
    return [(each["field"], each["message"]) for each in refused.value.errors]
