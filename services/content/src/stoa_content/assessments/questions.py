"""What a question is: its kinds, its choices, its key, and a learner's answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Literal

DEFAULT_PASSING_SCORE = 0.6


class QuestionKind(StrEnum):
    SINGLE = "single"
    MULTIPLE = "multiple"
    NUMERIC = "numeric"
    TEXT = "text"


class Credit(StrEnum):
    ALL = "all"
    EACH = "each"


class Review(StrEnum):
    """When a learner may see right answers, hints and solutions."""

    AFTER_ATTEMPT = "after_attempt"
    AFTER_PASSING = "after_passing"
    AFTER_LAST_ATTEMPT = "after_last_attempt"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Option:
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class ChoiceFeedback:
    chosen: str | None = None
    unchosen: str | None = None


@dataclass(frozen=True, slots=True)
class Combination:
    """Feedback for exactly these choices; it replaces the feedback on each of them."""

    choices: frozenset[str]
    feedback: str


@dataclass(frozen=True, slots=True)
class ChoiceKey:
    """The right choices; a question of one choice may name several, each of which is right alone."""

    correct: frozenset[str]
    credit: Credit = Credit.ALL
    feedback: Mapping[str, ChoiceFeedback] = field(default_factory=dict)
    combinations: Sequence[Combination] = ()
    form: Literal["choice"] = "choice"


@dataclass(frozen=True, slots=True)
class NumberRange:
    """All numbers from `low` to `high`: a value with its tolerance, or a range; wrong ones are there for feedback."""

    low: Decimal
    high: Decimal
    low_included: bool = True
    high_included: bool = True
    correct: bool = True
    feedback: str | None = None

    def __contains__(self, number: Decimal) -> bool:
        above = self.low <= number if self.low_included else self.low < number
        below = number <= self.high if self.high_included else number < self.high
        return above and below

    def __str__(self) -> str:
        """The range in words: `4`, `4 ± 0.1`, or `5 to 7` where an end is left out."""
        if not (self.low_included and self.high_included):
            return f"{_plain(self.low)} to {_plain(self.high)}"
        width = (self.high - self.low) / 2
        return _plain(self.low + width) + (f" ± {_plain(width)}" if width else "")


def _plain(number: Decimal) -> str:
    """Without trailing zeros; very large and very small numbers by their exponent."""
    text = f"{number.normalize():f}"
    return text if len(text) <= 30 else f"{number.normalize():.10g}"


@dataclass(frozen=True, slots=True)
class NumericKey:
    ranges: Sequence[NumberRange]
    form: Literal["numeric"] = "numeric"


@dataclass(frozen=True, slots=True)
class TextAnswer:
    """A text that the author foresaw; a wrong one is there for its feedback."""

    text: str
    correct: bool = True
    feedback: str | None = None


@dataclass(frozen=True, slots=True)
class TextKey:
    answers: Sequence[TextAnswer]
    case_sensitive: bool = False
    form: Literal["text"] = "text"


Key = ChoiceKey | NumericKey | TextKey


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its key; everything from `key` on is for the server alone until the review rule allows it."""

    kind: QuestionKind
    title: str
    prompt: str
    options: Sequence[Option]
    key: Key
    hints: Sequence[str] = ()
    solution: str | None = None


@dataclass(frozen=True, slots=True)
class Quiz:
    """A quiz as an author wrote it; no `max_attempts` means as many as the learner likes."""

    title: str
    questions: Sequence[Question]
    max_attempts: int | None = None
    passing_score: float = DEFAULT_PASSING_SCORE
    review: Review = Review.AFTER_PASSING


@dataclass(frozen=True, slots=True)
class Answer:
    """A learner's answer; of the three, the one that the question's kind asks for is set."""

    choices: frozenset[str] | None = None
    number: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    score: float
    correct: bool
