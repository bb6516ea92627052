"""The right answers of a course that lies on this disk, so that made-up learners are sometimes right.

The platform never hands out a key. A course that exists only as an export is answered by guessing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

FEEDBACK = re.compile(r"\s*\{\{.*\}\}\s*$")
CHOICE = re.compile(r"- [(\[](?P<mark>[ xX])[)\]] (?P<text>.+)$")
NUMBER = re.compile(r"= (?P<number>-?\d+(?:\.\d+)?)\s*(?:\+-.*)?$")
TEXT = re.compile(r"= \"?(?P<text>.+?)\"?$")
QUIZ = re.compile(r"^kind:\s*quiz\s*$", re.MULTILINE)


@dataclass
class Key:
    """The right answer of one question, by whichever kind it is."""

    choices: set[str] = field(default_factory=set)
    number: float | None = None
    text: str | None = None


AnswerSheet = dict[str, Key]
"""By the question's title."""


def read_answer_sheet(path: Path) -> AnswerSheet:
    """The keys of a Markdown course's quizzes; empty for any other course."""
    if not (path / "course.md").is_file():
        return {}
    texts = (file.read_text(encoding="utf-8", errors="replace") for file in sorted(path.rglob("*.md")))
    return {title: key for text in texts if QUIZ.search(text) for title, key in _keys(text)}


def _keys(quiz: str) -> Iterator[tuple[str, Key]]:
    for block in re.split(r"^## ", quiz, flags=re.MULTILINE)[1:]:
        title, _, body = block.partition("\n")
        yield title.strip(), _key(body.splitlines())


def _key(lines: list[str]) -> Key:
    key = Key()
    for line in (FEEDBACK.sub("", line) for line in lines):
        if choice := CHOICE.match(line):
            key.choices |= {choice["text"].strip()} if choice["mark"] in "xX" else set()
        elif number := NUMBER.match(line):
            key.number = float(number["number"])
        elif text := TEXT.match(line):
            key.text = text["text"].strip()
    return key
