"""The Markdown course: a folder with `course.md`, chapters as sub-folders, lessons and quizzes as files.

    course.md               front matter: title, language, description
    01-first-steps/         a chapter; its title from index.md, or from its name
      index.md              front matter: title
      01-welcome.md         a lesson; front matter: title; the body is Markdown
      02-check.md           a quiz; front matter: title, kind: quiz (`markdown_quiz` has the grammar)
      03-more/              a section, where a chapter needs several

Everything is ordered by name, numbers by value. Lessons beside `course.md` form chapters of their own.
"""

import json
import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import groupby

from stoa_content.assessments.service import DEFAULT_PASSING_SCORE, Credit, Quiz, Review
from stoa_content.imports import frontmatter, markdown_quiz
from stoa_content.imports.domain import (
    MAX_LESSON_BYTES,
    Findings,
    ParsedChapter,
    ParsedCourse,
    ParsedLesson,
    ParsedSection,
    Report,
    Video,
    check_course,
    check_lesson,
    lesson_text,
    question_text,
)
from stoa_content.imports.frontmatter import FrontMatter

FORMAT = "markdown"
COURSE_FILES = ("course.md", "README.md")
_INDEX = "index.md"
_MAX_FILE_BYTES = 4 * MAX_LESSON_BYTES
_COURSE_FIELDS = {"title", "language", "description"}
_LESSON_FIELDS = {"title", "kind", "videos"}
_QUIZ_FIELDS = _LESSON_FIELDS | {"max_attempts", "passing_score", "review", "credit", "case_sensitive"}
_NUMBER = re.compile(r"(\d+)")
_PREFIX = re.compile(r"^\d+[-_. ]+")


class LessonKind(StrEnum):
    LESSON = "lesson"
    QUIZ = "quiz"


def parse(files: dict[str, bytes], others: Iterable[str]) -> ParsedCourse:
    """Read a course from its files, paths relative to its folder; raises CourseIsMalformed with all that is wrong."""
    return _Reader(files).course(others)


class _Reader:
    """One reading of one folder, with what was found on the way."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files
        self._findings = Findings()
        self._report = Report(FORMAT)

    def course(self, others: Iterable[str]) -> ParsedCourse:
        file = next(name for name in COURSE_FILES if name in self._files)
        head, body, _ = self._split(file)
        self._note_unknown(head, _COURSE_FIELDS)
        course = ParsedCourse(
            title=head.title(),
            language=head.text("language", "en"),
            description=head.text("description") or "\n".join(body).strip(),
            chapters=list(self._chapters(head.title() or file)),
            report=self._report,
        )
        self._note_others(others)
        check_course(course, file, self._findings)
        self._findings.raise_if_any()
        return course

    def _chapters(self, course_title: str) -> Iterator[ParsedChapter]:
        paths = sorted((path for path in self._files if self._is_lesson(path)), key=_order)
        for folder, group in groupby(paths, key=lambda path: _folders(path)[0]):
            title = self._folder_title(folder) if folder else course_title
            self._report.counts["chapter"] += 1
            yield ParsedChapter(title, list(self._sections(title, group)))

    def _sections(self, chapter_title: str, paths: Iterable[str]) -> Iterator[ParsedSection]:
        for (chapter, *deeper), group in groupby(paths, key=_folders):
            folder = "/".join([chapter, *deeper])
            if len(deeper) > 1:
                self._findings.add(folder, None, "Folders go two deep at most: chapter and section.")
            lessons = [self._lesson(path) for path in group]
            yield ParsedSection(self._folder_title(folder) if deeper else chapter_title, lessons)

    def _lesson(self, path: str) -> ParsedLesson:
        head, body, first_line = self._split(path)
        kind = head.choice("kind", LessonKind.LESSON)
        self._note_unknown(head, _QUIZ_FIELDS if kind is LessonKind.QUIZ else _LESSON_FIELDS)
        self._report.counts[kind.value] += 1
        title, videos = head.title(), self._videos(head)
        if kind is LessonKind.QUIZ:
            intro, quiz = self._quiz(path, head, body, first_line)
            text = lesson_text(title, [intro, *(question_text(question) for question in quiz.questions)])
            lesson = ParsedLesson(title, text, videos, quiz)
        else:
            for line in markdown_quiz.find_choices(body, first_line):
                self._findings.add(path, line, "This is a choice of a question: say `kind: quiz` in the front matter.")
            lesson = ParsedLesson(title, lesson_text(title, [_without_title(title, body)]), videos)
        check_lesson(lesson, path, self._findings)
        return lesson

    def _quiz(self, path: str, head: FrontMatter, body: list[str], first_line: int) -> tuple[str, Quiz]:
        intro, questions = markdown_quiz.parse(
            path,
            body,
            first_line=first_line,
            credit=head.choice("credit", Credit.ALL),
            case_sensitive=head.flag("case_sensitive"),
            findings=self._findings,
        )
        self._report.counts["question"] += len(questions)
        quiz = Quiz(
            title=head.title(),
            questions=questions,
            max_attempts=head.count("max_attempts"),
            passing_score=head.share("passing_score", DEFAULT_PASSING_SCORE),
            review=head.choice("review", Review.AFTER_PASSING),
        )
        return _without_title(head.title(), intro), quiz

    def _videos(self, head: FrontMatter) -> list[Video]:
        urls = head.texts("videos")
        for url in urls:
            if not re.match(r"https?://", url):
                self._findings.add(head.file, head.line("videos"), "A video is an address with https://.")
        self._report.counts.update(["video"] * len(urls))
        return [Video(title="", url=url) for url in urls]

    def _folder_title(self, folder: str) -> str:
        index = f"{folder}/{_INDEX}"
        if index not in self._files:
            return _title_of_name(folder.rpartition("/")[2])
        head, _, _ = self._split(index)
        return head.title()

    def _split(self, path: str) -> tuple[FrontMatter, list[str], int]:
        return frontmatter.split(path, self._text(path), self._findings)

    def _text(self, path: str) -> str:
        content = self._files[path]
        if len(content) > _MAX_FILE_BYTES:
            self._findings.add(path, None, f"The file has over {_MAX_FILE_BYTES} bytes; split it.")
            return _unreadable(path)
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            self._findings.add(path, line, "The file is not UTF-8; save it in that encoding.")
            return _unreadable(path)
        if "\0" in text:
            self._findings.add(path, text[: text.index("\0")].count("\n") + 1, "The line holds a NUL character.")
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def _is_lesson(self, path: str) -> bool:
        if not path.endswith(".md"):
            return False
        return path.rpartition("/")[2] not in (_INDEX, "README.md") and path not in COURSE_FILES

    def _note_unknown(self, head: FrontMatter, known: set[str]) -> None:
        for name in head.fields.keys() - known:
            reason = "The front matter's field has no meaning here."
            self._report.note("field", name, id=head.file, title=head.text("title"), reason=reason)

    def _note_others(self, others: Iterable[str]) -> None:
        folders = {"/".join(_folders(path)) for path in self._files if self._is_lesson(path)}
        for path in self._files:
            folder, _, name = path.rpartition("/")
            if name == _INDEX and folder not in folders:
                reason = "The folder has an index.md and no lesson."
                self._report.note("chapter", "folder", id=folder, title=folder, reason=reason)
        unread = [path for path in self._files if not path.endswith(".md")]
        for path in sorted([*others, *unread]):
            self._report.note(
                "file", path.rpartition(".")[2], id=path, title=path, reason="Files are not imported yet."
            )


def _unreadable(path: str) -> str:
    """A stand-in for a file that was found wrong, so that it is found wrong once only."""
    return f"---\ntitle: {json.dumps(path)}\n---\n"


def _order(path: str) -> list[list[tuple[int, str]]]:
    """Sorts paths part by part, numbers by value: 2-x before 10-x."""
    return [[(int(p) if p.isdecimal() else -1, p) for p in _NUMBER.split(part)] for part in path.split("/")]


def _folders(path: str) -> list[str]:
    return path.split("/")[:-1] or [""]


def _title_of_name(name: str) -> str:
    words = _PREFIX.sub("", name).replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:] if words else name


def _without_title(title: str, body: list[str] | str) -> str:
    """The body, less a first heading that repeats the title."""
    text = body if isinstance(body, str) else "\n".join(body)
    first, _, rest = text.strip().partition("\n")
    return rest if first.strip() == f"# {title}" else text
