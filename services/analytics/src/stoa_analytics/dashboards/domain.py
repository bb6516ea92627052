"""How a course's numbers are made. Scores are 0 to 1; a mean is exactly that of the scores that learners were told."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from uuid import UUID

from stoa_common.errors import NotFound

BUCKETS = 10
HARDEST = 5

Tally = Mapping[float, int]
"""A score, or a learner's progress -> how often it occurs. Distinct ones are few, however many attempts there are."""


class CourseIsUnknown(NotFound):
    """The organization has no event of this course."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Scores from `low` up to, but without, `high`; the last bucket holds 1 too."""

    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and every score that an answer to it got."""

    question_id: UUID
    title: str
    tally: Tally

    @property
    def answers(self) -> int:
        return sum(self.tally.values())

    @property
    def mean_score(self) -> float:
        return mean(self.tally) or 0.0


def mean(tally: Tally) -> float | None:
    """`math.fsum(scores) / len(scores)`, in whatever order the scores came; None where there is none."""
    count = sum(tally.values())
    if not count:
        return None
    # In fractions, since a sum of doubles depends on their order, and the warehouse has none.
    total = sum(Fraction(score) * times for score, times in tally.items())
    return float(total) / count


def distribution(tally: Tally) -> list[Bucket]:
    """Ten buckets of equal width."""
    counts = [0] * BUCKETS
    for score, times in tally.items():
        counts[_bucket(score)] += times
    return [Bucket(n / BUCKETS, (n + 1) / BUCKETS, count) for n, count in enumerate(counts)]


def hardest(questions: Iterable[Question]) -> Sequence[Question]:
    """The questions with the lowest mean score, lowest first; those that more people answered go before, when equal."""
    answered = [question for question in questions if question.answers]
    return sorted(answered, key=lambda q: (q.mean_score, -q.answers, q.question_id))[:HARDEST]


def completion(progress: Tally) -> float | None:
    """The share of learners who finished; None where nobody enrolled."""
    learners = sum(progress.values())
    return progress.get(1.0, 0) / learners if learners else None


def _bucket(score: float) -> int:
    # Rounded, since 0.1 added eight times is less than 0.8, and belongs with it.
    return min(math.floor(round(score * BUCKETS, 9)), BUCKETS - 1)
