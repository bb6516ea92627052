"""A unit of OLX, the page that a learner sees: its blocks become one lesson."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from stoa_content.assessments.service import Question, Quiz, Review
from stoa_content.imports.domain import Findings, ParsedLesson, Report, Video, check_lesson, lesson_text
from stoa_content.imports.html import HtmlIsTooBig, to_markdown
from stoa_content.imports.olx_page import inner_markdown
from stoa_content.imports.olx_problem import read_problem
from stoa_content.imports.olx_xml import Block, Blocks

#: HTML is wordier than the Markdown that it becomes.
_MAX_HTML_LENGTH = 600_000
#: From strict to generous: a quiz takes the strictest rule of its problems.
_STRICTNESS = (Review.NEVER, Review.AFTER_PASSING, Review.AFTER_LAST_ATTEMPT, Review.AFTER_ATTEMPT)
_SHOW_ANSWER = {
    "never": Review.NEVER,
    "answered": Review.AFTER_PASSING,
    "correct_or_past_due": Review.AFTER_PASSING,
    "always": Review.AFTER_ATTEMPT,
    "attempted": Review.AFTER_ATTEMPT,
    "attempted_no_past_due": Review.AFTER_ATTEMPT,
}


@dataclass(slots=True)
class _Unit:
    title: str
    parts: list[str] = field(default_factory=list)
    videos: list[Video] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    attempts: list[int] = field(default_factory=list)

    def quiz(self) -> Quiz | None:
        if not self.questions:
            return None
        review = min(self.reviews, key=_STRICTNESS.index)
        return Quiz(self.title, self.questions, max_attempts=min(self.attempts, default=None), review=review)


def read_unit(
    title: str, file: str, parts: Iterable[Block], blocks: Blocks, report: Report, findings: Findings
) -> ParsedLesson:
    """The lesson that a unit's blocks make, in their order."""
    unit = _Unit(title)
    for block in parts:
        try:
            _read_part(unit, block, blocks, report, findings)
        except HtmlIsTooBig as reason:
            findings.add(block.file, None, str(reason))
    lesson = ParsedLesson(title, lesson_text(title, unit.parts), unit.videos, unit.quiz())
    check_lesson(lesson, file, findings)
    return lesson


def _read_part(unit: _Unit, block: Block, blocks: Blocks, report: Report, findings: Findings) -> None:
    match block.tag:
        case "html":
            unit.parts.append(_html(block, blocks, findings))
        case "video":
            unit.videos.append(_video(block, block.title or unit.title, report))
            unit.parts.append(f"## {block.title}" if block.title else "")
        case _:
            problem = read_problem(block, report, findings)
            unit.parts += problem.parts
            unit.questions += problem.questions
            if problem.questions:
                unit.reviews.append(_SHOW_ANSWER.get(block.element.get("showanswer", ""), Review.AFTER_LAST_ATTEMPT))
                unit.attempts += _max_attempts(block)


def _html(block: Block, blocks: Blocks, findings: Findings) -> str:
    name = block.element.get("filename") or block.id
    path = f"html/{name}.html"
    if not blocks.has(path):
        if block.element.get("filename"):
            findings.add(block.file, None, f"{path} is missing, to which this file points; export the course again.")
        return inner_markdown(block.element)
    text = blocks.text(path)
    if len(text) > _MAX_HTML_LENGTH:
        findings.add(path, None, f"The page has over {_MAX_HTML_LENGTH} characters; split it.")
        return ""
    return to_markdown(text)


def _video(block: Block, title: str, report: Report) -> Video:
    url = _video_url(block)
    if url is None:
        reason = "It names no source that Stoa can link to."
        report.note("block", "video", id=block.id, title=title, reason=reason)
    return Video(title, url)


def _video_url(block: Block) -> str | None:
    element = block.element
    sources = [each.get("src", "") for each in element.iter("source")]
    listed = element.get("html5_sources", "").strip("[]").replace('"', " ").replace("'", " ").split(",")
    for url in [*sources, *listed, element.get("source", "")]:
        if url.strip().startswith(("https://", "http://")):
            return url.strip()
    # `youtube` lists ids by speed: "0.75:abc,1.00:def".
    speeds = dict(pair.partition(":")[::2] for pair in element.get("youtube", "").split(","))
    video_id = element.get("youtube_id_1_0") or speeds.get("1.00")
    return f"https://www.youtube.com/watch?v={video_id}" if video_id else None


def _max_attempts(block: Block) -> list[int]:
    text = block.element.get("max_attempts", "")
    return [int(text)] if text.isascii() and text.isdigit() and 0 < int(text) <= 1_000 else []
