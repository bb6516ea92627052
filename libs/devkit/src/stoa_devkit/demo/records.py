"""What the demo hears from the platform, in the demo's own words."""

from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import Any


@dataclass(frozen=True)
class Lesson:
    id: str
    title: str


@dataclass(frozen=True)
class Course:
    """A published course, its lessons in order."""

    id: str
    title: str
    lessons: list[Lesson]
    headings: list[str] = field(default_factory=list)
    quizzes: int = 0


@dataclass(frozen=True)
class Citation:
    """The place that backs an answer: `quote` is `text[start:end]` of the lesson, in Unicode code points."""

    lesson_id: str
    lesson: str
    start: int
    end: int
    quote: str

    def holds_in(self, text: str) -> bool:
        return bool(self.quote) and text[self.start : self.end] == self.quote


@dataclass(frozen=True)
class Answer:
    question: str
    text: str
    citations: list[Citation]
    found: bool
    generated_by: str


@dataclass(frozen=True)
class Figures:
    """A course in three numbers, as the learners were told them or as analytics computed them."""

    learners: int
    attempts: int
    mean_score: float | None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Told:
    """Everything that the platform told the learners."""

    learners: int = 0
    scores: list[float] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    bad_citations: list[Citation] = field(default_factory=list)

    def figures(self) -> Figures:
        return Figures(self.learners, len(self.scores), fmean(self.scores) if self.scores else None)

    def best_answers(self, questions: list[str], *, count: int) -> list[Answer]:
        """So many answers to different questions, those that found something first, then in the questions' order."""
        by_question = {answer.question: answer for answer in self.answers}
        asked = [by_question[question] for question in questions if question in by_question]
        return sorted(asked, key=lambda answer: not answer.found)[:count]
