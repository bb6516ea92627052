"""The arithmetic of dashboards."""

import math
import random
from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_analytics.dashboards import domain

SCORES = st.lists(st.floats(0, 1) | st.integers(0, 12).map(lambda n: n / 12), min_size=1, max_size=300)


def a_question(number: int, *scores: float) -> domain.Question:
    return domain.Question(UUID(int=number), f"Question {number}", Counter(scores))


@given(SCORES)
def test_the_mean_is_exactly_that_of_the_scores_in_any_order(scores: list[float]) -> None:
    told = math.fsum(scores) / len(scores)
    random.shuffle(scores)

    assert domain.mean(Counter(scores)) == told


@given(SCORES)
def test_every_score_falls_into_one_bucket(scores: list[float]) -> None:
    buckets = domain.distribution(Counter(scores))

    assert [(b.low, b.high) for b in buckets] == [(n / 10, (n + 1) / 10) for n in range(10)]
    assert sum(b.count for b in buckets) == len(scores)


@pytest.mark.parametrize(
    ("score", "bucket"), [(0.0, 0), (0.09, 0), (0.1, 1), (0.3, 3), (sum([0.1] * 8), 8), (0.95, 9), (1.0, 9)]
)
def test_a_bucket_holds_its_lower_bound_and_the_last_one_holds_full_marks(score: float, bucket: int) -> None:
    counts = [b.count for b in domain.distribution({score: 1})]

    assert counts.index(1) == bucket


def test_nothing_has_no_mean_and_no_completion() -> None:
    assert domain.mean({}) is None
    assert domain.completion({}) is None


def test_completion_counts_only_those_who_finished() -> None:
    assert domain.completion({1.0: 3, 0.99: 1, 0.0: 2}) == 0.5


def test_the_hardest_questions_come_first_and_are_five_at_most() -> None:
    questions = [a_question(n, n / 10, n / 10) for n in range(1, 8)]

    hardest = domain.hardest(reversed(questions))

    assert [q.question_id.int for q in hardest] == [1, 2, 3, 4, 5]


def test_of_two_equally_hard_questions_the_more_answered_goes_before() -> None:
    hardest = domain.hardest([a_question(1, 0.5), a_question(2, 0.0, 1.0)])

    assert [q.question_id.int for q in hardest] == [2, 1]


def test_a_question_without_an_answer_is_not_hard() -> None:
    assert domain.hardest([a_question(1)]) == []
