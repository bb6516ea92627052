"""What a search finds, in one organization's course and nowhere else."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid5

import pytest

from stoa_ai.passages import domain
from stoa_ai.passages.embedder import Embedder
from stoa_ai.passages.repository import PassageRepository
from stoa_ai.passages.service import Retrieved, search
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


async def test_words_rank_by_the_formula_of_bm25(publish: Any, database: Database, course: Any) -> None:
    # By hand: two passages of 17 and 25 words with the titles above them; "day" is in the first alone, once.
    mine = await publish()
    async with database.transaction() as session:
        repository = PassageRepository(session, mine.organization_id)
        counts = await repository.count(mine.course_id)
        holders = await repository.count_holders(mine.course_id, ["day", "moon", "unheard"])
        weights = domain.weigh(holders, passages=counts.passages)
        by_day = await repository.rank_by_words(
            mine.course_id, {"day": weights["day"]}, mean_words=counts.mean_words, limit=9
        )
        by_moon = await repository.rank_by_words(mine.course_id, {"moon": 1.0}, mean_words=counts.mean_words, limit=9)

    assert holders == {"day": 1, "moon": 2, "unheard": 0}
    assert weights["day"] == pytest.approx(0.6931, abs=1e-3)
    assert len(by_day) == 1
    assert len(by_moon) == 2
    # Three moons in a longer text outweigh one in a shorter.
    assert by_moon[0] != by_day[0]
