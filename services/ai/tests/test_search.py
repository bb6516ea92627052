"""What a search finds, in one organization's course and nowhere else."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import log
from typing import Any
from uuid import UUID, uuid5

import numpy as np
import pytest

from stoa_ai.passages import domain
from stoa_ai.passages.domain import in_context
from stoa_ai.passages.embedder import Embedder
from stoa_ai.passages.repository import PassageRepository
from stoa_ai.passages.service import Retrieved, search
from stoa_ai.passages.splitter import split
from stoa_ai.passages.words import count_words, words
from stoa_common.database import Database

A, B, C = (uuid5(UUID(int=0), name) for name in "ABC")


def test_a_passage_that_both_rankings_know_comes_first() -> None:
    assert domain.fuse([[A, B], [C, B]], limit=3) == [B, A, C]


def test_fusing_keeps_the_order_of_one_ranking() -> None:
    assert domain.fuse([[B, A, C], []], limit=2) == [B, A]


def test_rare_words_weigh_more_and_none_weighs_less_than_nothing() -> None:
    weights = domain.weigh({"the": 10, "tide": 1, "unheard": 0}, passages=10)

    assert weights["unheard"] > weights["tide"] > weights["the"] >= 0


def test_questions_and_their_options_are_not_quotable() -> None:
    text = (
        "# A heading of four words\n\nThe Moon pulls at it. Does it really do that?\n\n"
        "- the Sun does it\n- the wind does it\n\nBelow, `code stays quotable here`."
    )

    assert [span.of(text) for span in domain.quotable(text)] == [
        "The Moon pulls at it.",
        "Below, `code stays quotable here`.",
    ]


Find = Callable[..., Any]


@pytest.fixture
def find(database: Database, embedder: Embedder) -> Find:
    async def run(question: str, course: Any, **changed: Any) -> Retrieved:
        place = {"course_id": course.course_id, "organization_id": course.organization_id} | changed
        async with database.transaction() as session:
            return await search(session, question, embedder=embedder, **place)

    return run


async def test_the_passage_that_says_it_comes_first(publish: Any, find: Find) -> None:
    found = await find("When do tides run highest?", await publish())

    assert found.hits[0].heading == "Tides › Spring tides"
    assert found.weights["highest"] > found.weights["tide"]


async def test_hits_are_places_in_the_lesson(publish: Any, find: Find) -> None:
    course = await publish()

    found = await find("Moon", course)

    for hit in found.hits:
        assert course.text(str(hit.lesson_id))[hit.start : hit.end] == hit.text


async def test_other_courses_and_organizations_stay_out(publish: Any, find: Find, course: Any) -> None:
    mine, other = await publish(), await publish()

    found = await find("tides", mine)
    crossed = await find("tides", mine, organization_id=other.organization_id)

    assert {hit.lesson_id for hit in found.hits} == set(mine.lesson_ids)
    assert crossed.hits == []


@pytest.mark.parametrize("question", ["???", "unheard-of words alone", "日本", "a" * 2000, "the " * 500])
async def test_any_question_can_be_searched(publish: Any, find: Find, question: str) -> None:
    found = await find(question, await publish())

    assert len(found.hits) == 2


def _bm25(passages: Sequence[Counter[str]], question: str) -> list[float]:
    """The formula of Robertson and Zaragoza 2009, section 3.2, with k1 = 1.2 and b = 0.75, over whole texts."""
    mean = sum(passage.total() for passage in passages) / len(passages)
    scores = [0.0] * len(passages)
    for word in set(words(question)):
        holders = sum(word in passage for passage in passages)
        rarity = log(1 + (len(passages) - holders + 0.5) / (holders + 0.5))
        for place, passage in enumerate(passages):
            saturation = passage[word] + 1.2 * (0.25 + 0.75 * passage.total() / mean)
            scores[place] += rarity * passage[word] * 2.2 / saturation
    return scores


@pytest.mark.parametrize("question", ["Why does bread go stale?", "hot oven", "How is rye bread held together?", "the"])
async def test_words_rank_by_the_formula_of_bm25(
    publish: Any, database: Database, shipped_courses: Any, question: str
) -> None:
    course = await publish(replace(shipped_courses["bread"]))
    lessons = zip(course.lesson_ids, course.lessons.items(), strict=True)
    texts = {(i, p.start): count_words(in_context(title, p)) for i, (title, text) in lessons for p in split(text)}
    scores = dict(zip(texts, _bm25(list(texts.values()), question), strict=True))

    async with database.transaction() as session:
        repository = PassageRepository(session, course.organization_id)
        counts = await repository.count(course.course_id)
        holders = await repository.count_holders(course.course_id, sorted(set(words(question))))
        weights = domain.weigh(holders, passages=counts.passages)
        ranked = await repository.rank_by_words(course.course_id, weights, mean_words=counts.mean_words, limit=100)
        hits = await repository.list_hits(ranked, np.zeros(384, np.float32))

    found = [scores[hit.lesson_id, hit.start] for hit in hits]
    assert len(found) == sum(score > 0 for score in scores.values())
    assert found == sorted(found, reverse=True)
