"""The provider that needs no model: it quotes one to three sentences of the course, or says that nothing fits.

A sentence is scored by its likeness to the question, by the share of the question's words in it (weighed by rarity in
the course), by the same two figures of its passage, and by its passage's rank. On XQuAD-en, in courses of six articles
each, the sentences chosen hold the reference answer for 92 % of the 1,190 questions; 1.1 % of questions about other
articles, and 33 % of questions whose one paragraph was taken out, get an answer that they should not.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from stoa_ai.passages.service import Embedder, Hit, estimate_tokens, quotable, words
from stoa_ai.providers.domain import NOT_FOUND, Cited, Finished, Piece, Provider, Question, Text, Used

MOST_SENTENCES: Final = 3
THRESHOLD: Final = 1.0
"""The least score of a first sentence; the scale ends at 3."""
COMPANION: Final = 0.7
"""A second or third sentence needs this share of the first one's score."""
#: "That is why ..." says little without the sentence before it; the one after it helps less.
_BEFORE_BONUS: Final = 0.4
_AFTER_BONUS: Final = 0.1
_RANK_COST: Final = 0.05


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a hit, in the lesson's own offsets; `place` counts the hit's sentences."""

    hit: Hit
    rank: int
    place: int
    start: int
    end: int

    @property
    def quote(self) -> str:
        return self.hit.text[self.start - self.hit.start : self.end - self.hit.start]

    def bonus(self, first: "Candidate") -> float:
        """What standing beside the best sentence is worth."""
        beside = {-1: _BEFORE_BONUS, 1: _AFTER_BONUS}
        return beside.get(self.place - first.place, 0.0) if self.rank == first.rank else 0.0


class ExtractiveProvider(Provider):
    generated_by = "extractive"
    model = "extractive-1"

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    async def answer(self, question: Question) -> AsyncGenerator[Piece, None]:
        chosen = await self._choose(question)
        yield _used(question, chosen)
        if not chosen:
            yield Text(NOT_FOUND)
        for number, sentence in enumerate(chosen, start=1):
            yield Text(sentence.quote if number == 1 else f"\n{sentence.quote}")
            yield Cited(number, sentence.hit, sentence.start, sentence.end)
        yield Finished(found=bool(chosen))

    async def _choose(self, question: Question) -> list[Candidate]:
        candidates = _candidates(question.retrieved.hits)
        asked, *vectors = await self._embedder.embed([question.text, *(c.quote for c in candidates)])
        likeness = [float(vector @ asked) for vector in vectors]
        return _best({c: _score(c, like, question) for c, like in zip(candidates, likeness, strict=True)})


def _best(scores: dict[Candidate, float]) -> list[Candidate]:
    """The best sentence and its companions: those of its own passage first, each passage in reading order."""
    first = max(scores, key=scores.__getitem__, default=None)
    if first is None or scores[first] < THRESHOLD:
        return []
    raised = {c: score + c.bonus(first) for c, score in scores.items() if c != first}
    companions = [c for c in raised if raised[c] >= COMPANION * scores[first]]
    companions.sort(key=raised.__getitem__, reverse=True)
    chosen = [first, *companions[: MOST_SENTENCES - 1]]
    return sorted(chosen, key=lambda c: (c.rank != first.rank, c.rank, c.place))


def _candidates(hits: list[Hit]) -> list[Candidate]:
    """Every sentence once, even if two lessons hold it."""
    found: dict[str, Candidate] = {}
    for rank, hit in enumerate(hits):
        for place, span in enumerate(quotable(hit.text)):
            candidate = Candidate(hit, rank, place, hit.start + span.start, hit.start + span.end)
            found.setdefault(candidate.quote, candidate)
    return list(found.values())


def _score(candidate: Candidate, likeness: float, question: Question) -> float:
    weights = question.retrieved.weights
    own = likeness + coverage(candidate.quote, weights)
    around = candidate.hit.similarity + coverage(candidate.hit.text, weights)
    return own + around / 2 - _RANK_COST * candidate.rank


def coverage(text: str, weights: dict[str, float]) -> float:
    """The share of the question's words that a text has, rare words counting more; 0 to 1."""
    total = sum(weights.values())
    held = set(words(text))
    return sum(weight for word, weight in weights.items() if word in held) / total if total else 0.0


def _used(question: Question, chosen: list[Candidate]) -> Used:
    read = sum(estimate_tokens(hit.text) for hit in question.retrieved.hits)
    return Used(read, sum(estimate_tokens(candidate.quote) for candidate in chosen), "local")
