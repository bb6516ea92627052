"""How a made-up learner fills in a quiz: as able as chance made them, the same on every run."""

import random
from dataclasses import dataclass

from stoa_devkit.demo.answer_sheet import AnswerSheet, Key
from stoa_devkit.demo.client import JSON

SEED = "stoa-demo"


@dataclass
class Ability:
    """A chance of knowing an answer, and the dice to throw for it."""

    share: float
    dice: random.Random

    @classmethod
    def of_learner(cls, number: int) -> "Ability":
        dice = random.Random(f"{SEED}-{number}")  # noqa: S311 - repeatable on purpose
        return cls(dice.betavariate(5, 2), dice)

    def knows(self, question: str) -> bool:
        """Some questions are harder than others, and for everyone: their difficulty is drawn from their title."""
        difficulty = random.Random(f"{SEED}-{question}").uniform(0, 0.6)  # noqa: S311 - repeatable on purpose
        return self.dice.random() < self.share * (1 - difficulty)

    def learn(self) -> None:
        """A second try goes better than the first."""
        self.share += (1 - self.share) / 2


def fill_in(questions: list[JSON], sheet: AnswerSheet, ability: Ability) -> list[JSON]:
    """An answer to each question: the right one where the learner knows it, else a guess."""
    return [{"question_id": question["id"], **_answer(question, sheet, ability)} for question in questions]


def _answer(question: JSON, sheet: AnswerSheet, ability: Ability) -> JSON:
    key = sheet.get(question["title"])
    known = ability.knows(question["title"]) and key is not None
    right = _right(question, key) if known and key else None
    return right or _guess(question, ability.dice)


def _right(question: JSON, key: Key) -> JSON | None:
    if question["options"]:
        choices = [option["id"] for option in question["options"] if option["text"].strip() in key.choices]
        return {"choices": choices} if choices else None
    if question["kind"] == "numeric":
        return {"number": key.number} if key.number is not None else None
    return {"text": key.text} if key.text else None


def _guess(question: JSON, dice: random.Random) -> JSON:
    ids = [option["id"] for option in question["options"]]
    if question["kind"] == "single" and ids:
        return {"choices": [dice.choice(ids)]}
    if question["kind"] == "multiple" and ids:
        return {"choices": sorted(dice.sample(ids, dice.randint(1, len(ids))))}
    if question["kind"] == "numeric":
        return {"number": dice.randint(0, 100)}
    return {"text": dice.choice(["I am not sure", "Kafka", "the gateway"])}
