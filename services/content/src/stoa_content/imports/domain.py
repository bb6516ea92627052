"""What an import brings in, whichever format it was written in, and what makes it unfit."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from stoa_common.errors import FieldError, Invalid, UnsupportedMediaType
from stoa_content.assessments.service import Question, Quiz

#: Events carry a lesson's text inline, and a broker's record has its limits.
MAX_LESSON_BYTES = 60_000
MAX_LESSONS = 1_000
MAX_QUESTIONS = 200
MAX_OPTIONS = 26
MAX_TITLE_LENGTH = 300
MAX_FINDINGS = 50
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")


class CourseIsMalformed(Invalid):
    """Files of the course break its format; `errors` names file, line and what to mend."""


class CourseFormatIsUnknown(UnsupportedMediaType):
    """The archive holds no course that Stoa can read."""


@dataclass(frozen=True, slots=True)
class Video:
    title: str
    url: str | None


@dataclass(frozen=True, slots=True)
class ParsedLesson:
    """A lesson; `text` is Markdown with the title as its first line, and holds no key, hint or solution."""

    title: str
    text: str
    videos: Sequence[Video] = ()
    quiz: Quiz | None = None


@dataclass(frozen=True, slots=True)
class ParsedSection:
    title: str
    lessons: Sequence[ParsedLesson]


@dataclass(frozen=True, slots=True)
class ParsedChapter:
    title: str
    sections: Sequence[ParsedSection]


@dataclass(frozen=True, slots=True)
class Unsupported:
    """One thing of the archive that did not become part of the course, or not wholly."""

    kind: str
    type: str
    id: str
    title: str
    reason: str


@dataclass(slots=True)
class Report:
    """What an import found, and what of it Stoa cannot do yet, each thing by name."""

    format: str
    counts: Counter[str] = field(default_factory=Counter)
    unsupported: list[Unsupported] = field(default_factory=list)

    def note(self, kind: str, type: str, *, id: str, title: str, reason: str) -> None:
        self.unsupported.append(Unsupported(kind, type, id[:MAX_TITLE_LENGTH], title[:MAX_TITLE_LENGTH], reason))


@dataclass(frozen=True, slots=True)
class ParsedCourse:
    title: str
    language: str
    description: str
    chapters: Sequence[ParsedChapter]
    report: Report

    def lessons(self) -> Iterator[ParsedLesson]:
        for chapter in self.chapters:
            for section in chapter.sections:
                yield from section.lessons


@dataclass(slots=True)
class Findings:
    """Everything wrong with a course's files, collected, so that an author mends all of it at once."""

    errors: list[FieldError] = field(default_factory=list)

    def add(self, file: str, line: int | None, message: str) -> None:
        finding = FieldError(field=f"{file}:{line}" if line else file, message=message)
        if len(self.errors) < MAX_FINDINGS and finding not in self.errors:
            self.errors.append(finding)

    def raise_if_any(self) -> None:
        if self.errors:
            self.refuse()

    def refuse(self) -> NoReturn:
        """Raise CourseIsMalformed with everything that was found."""
        first = self.errors[0]
        places = "one place" if len(self.errors) == 1 else f"{len(self.errors)} places"
        detail = f"The course needs mending in {places}. {first['field']}: {first['message']}"
        raise CourseIsMalformed(detail, errors=self.errors)


def lesson_text(title: str, parts: Sequence[str]) -> str:
    """The canonical text of a lesson, into which citations point: the title, then each part, a blank line between."""
    blocks = [f"# {title}", *(part.strip() for part in parts)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def question_text(question: Question) -> str:
    """What of a question is read before it is answered."""
    return f"## {question.title}\n\n{question.prompt}".strip()


def check_lesson(lesson: ParsedLesson, file: str, findings: Findings) -> None:
    """Add what makes a lesson unfit to the findings."""
    if (size := len(lesson.text.encode())) > MAX_LESSON_BYTES:
        findings.add(file, None, f"The lesson's text has {size} bytes; split it: {MAX_LESSON_BYTES} is the most.")
    if len(lesson.title) > MAX_TITLE_LENGTH:
        findings.add(file, None, f"Shorten the title to {MAX_TITLE_LENGTH} characters.")
    if lesson.quiz and len(lesson.quiz.questions) > MAX_QUESTIONS:
        findings.add(file, None, f"A quiz has at most {MAX_QUESTIONS} questions; split it.")


def check_course(course: ParsedCourse, file: str, findings: Findings) -> None:
    """Add what makes a course as a whole unfit to the findings."""
    count = sum(1 for _ in course.lessons())
    if count == 0:
        findings.add(file, None, "The course has no lesson; add one.")
    if count > MAX_LESSONS:
        findings.add(file, None, f"The course has {count} lessons; split it: {MAX_LESSONS} is the most.")
    titles = [course.title, *(chapter.title for chapter in course.chapters)]
    titles += [section.title for chapter in course.chapters for section in chapter.sections]
    if any(len(title) > MAX_TITLE_LENGTH for title in titles):
        findings.add(
            file, None, f"Shorten the titles of course, chapters and sections to {MAX_TITLE_LENGTH} characters."
        )
    if not _LANGUAGE.fullmatch(course.language):
        findings.add(file, None, f"The language {course.language[:20]!r} is no tag such as en or pt-BR (BCP 47).")
