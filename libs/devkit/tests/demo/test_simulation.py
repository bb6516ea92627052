from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stoa_devkit.demo.answer_sheet import Key
from stoa_devkit.demo.simulation import Ability, fill_in

OPTIONS = [{"id": "a", "text": "Rome"}, {"id": "b", "text": "Paris"}, {"id": "c", "text": "Ostia"}]


def a_question(kind: str, *, title: str = "Where?") -> dict[str, Any]:
    return {"id": "1", "kind": kind, "title": title, "options": OPTIONS if kind in ("single", "multiple") else []}


def an_able_learner() -> Ability:
    ability = Ability.of_learner(1)
    ability.knows = lambda question: True  # type: ignore[method-assign]
    return ability


def test_who_knows_the_answer_gives_it() -> None:
    sheet = {
        "one": Key(choices={"Rome"}),
        "some": Key(choices={"Rome", "Ostia"}),
        "number": Key(number=2.5),
        "word": Key(text="Ostia"),
    }
    quiz = [
        a_question("single", title="one"),
        a_question("multiple", title="some"),
        a_question("numeric", title="number"),
        a_question("text", title="word"),
    ]

    answers = fill_in(quiz, sheet, an_able_learner())

    assert [list(answer.items())[1] for answer in answers] == [
        ("choices", ["a"]),
        ("choices", ["a", "c"]),
        ("number", 2.5),
        ("text", "Ostia"),
    ]


@given(st.integers(0, 200), st.sampled_from(["single", "multiple", "numeric", "text"]))
def test_a_guess_is_an_answer_that_the_question_can_have(learner: int, kind: str) -> None:
    [answer] = fill_in([a_question(kind)], {}, Ability.of_learner(learner))

    choices = answer.get("choices", [])
    assert set(choices) <= {"a", "b", "c"}
    assert len(choices) == 1 if kind == "single" else len(choices) <= len(OPTIONS)
    assert ("number" in answer, "text" in answer) == (kind == "numeric", kind == "text")


def test_the_same_learner_answers_the_same_on_every_run() -> None:
    quiz = [a_question("multiple", title=str(i)) for i in range(20)]

    assert fill_in(quiz, {}, Ability.of_learner(7)) == fill_in(quiz, {}, Ability.of_learner(7))


def test_a_second_try_goes_better() -> None:
    ability = Ability.of_learner(3)
    before = ability.share

    ability.learn()

    assert before < ability.share < 1
