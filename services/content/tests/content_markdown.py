"""Reading Markdown in tests: the sample with one thing changed, and what becomes of it."""

import pytest
from content_samples import Files, quiz_of, with_file

from stoa_content.assessments.questions import (
    Question,
    Quiz,
)
from stoa_content.imports.domain import CourseIsMalformed, ParsedCourse
from stoa_content.imports.folder import Folder
from stoa_content.imports.formats import parse_folder

QUIZ_FILE = "01-leaves/02-quiz.md"


def parsed(files: Files, *others: str) -> ParsedCourse:
    folder = Folder(packed_bytes=1)
    for name, content in files.items():
        folder.add(name, content.encode() if isinstance(content, str) else content)
    for name in others:
        folder.add(name, None)
    return parse_folder(folder)


def the_quiz(text: str) -> Quiz:
    lessons = parsed(with_file(QUIZ_FILE, text)).lessons()
    return next(lesson.quiz for lesson in lessons if lesson.quiz)


def the_question(*lines: str) -> Question:
    (question,) = the_quiz(quiz_of("\n".join(["## Q", *lines]))).questions
    return question


def findings(files: Files) -> list[tuple[str, str]]:
    with pytest.raises(CourseIsMalformed) as refused:
        parsed(files)
    return [(each["field"], each["message"]) for each in refused.value.errors]


def finding(text: str) -> tuple[str, str]:
    """The one thing wrong with a quiz file."""
    (found,) = findings(with_file(QUIZ_FILE, text))
    return found
