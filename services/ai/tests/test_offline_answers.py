"""What the extractive provider gets right and wrong, measured on two courses that it was not tuned on."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest


@pytest.fixture(params=["bread", "sky"])
async def asked(
    request: pytest.FixtureRequest,
    shipped_courses: dict[str, Any],
    shipped_questions: dict[str, Any],
    publish: Any,
    learner_of: Callable[[Any], Any],
) -> Any:
    course = await publish(replace(shipped_courses[request.param]))
    learner = learner_of(course)

    async def answers(questions: list[str]) -> list[dict[str, Any]]:
        found = [await learner.ask(course.course_id, question) for question in questions]
        assert all(answer.status_code == 200 for answer in found), [a.text for a in found]
        return [answer.json() for answer in found]

    return answers, shipped_questions[request.param], course


async def test_the_quoted_sentences_hold_the_right_answer(asked: Any) -> None:
    answers, questions, _ = asked
    expected = questions["answered"]

    found = await answers(list(expected))

    wrong = [(q, a["text"]) for (q, gold), a in zip(expected.items(), found, strict=True) if gold not in _flat(a)]
    for w in wrong: print(w)
    assert len(wrong) <= 0.15 * len(expected), wrong


def _flat(answer: dict[str, Any]) -> str:
    return " ".join(answer["text"].split())


@pytest.mark.parametrize(("kind", "most"), [("elsewhere", 0.05), ("nearby", 0.5)])
async def test_a_question_that_the_course_does_not_answer_is_seldom_answered(
    asked: Any, kind: str, most: float
) -> None:
    answers, questions, _ = asked

    found = await answers(questions[kind])

    wrong = [(q, a["text"]) for q, a in zip(questions[kind], found, strict=True) if a["found"]]
    for w in wrong: print(w)
    assert len(wrong) <= most * len(found), wrong
