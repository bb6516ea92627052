"""Rules of retrieval: what a word weighs, how rankings become one, what an answer may quote."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Final
from uuid import UUID

from stoa_ai.passages.blocks import Block, Kind, blocks
from stoa_ai.passages.sentences import Span, sentences
from stoa_ai.passages.splitter import Passage
from stoa_ai.passages.words import words
from stoa_common.errors import NotFound

FUSION: Final = 60
"""Cormack, Clarke, Büttcher: Reciprocal Rank Fusion (SIGIR 2009) found 60 and little else to matter."""

_FEWEST_WORDS: Final = 3


class CourseIsNotKnown(NotFound):
    """No published course of the caller's organization has this id."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that a search found. `text` is the lesson's stored text from `start` to `end`, in code points."""

    passage_id: UUID
    lesson_id: UUID
    lesson: str
    revision: int
    start: int
    end: int
    text: str
    heading: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The best passages, best first, and what each word of the question weighs in this course."""

    hits: list[Hit]
    weights: dict[str, float]


def weigh(found_in: Mapping[str, int], *, passages: int) -> dict[str, float]:
    """How rare each word is among the course's passages: BM25's inverse document frequency, never negative."""
    return {word: log(1 + (passages - n + 0.5) / (n + 0.5)) for word, n in found_in.items()}


def fuse(rankings: Iterable[Sequence[UUID]], *, limit: int) -> list[UUID]:
    """One ranking of several, by the sum of 1 / (60 + rank); equals in the order in which they first came."""
    scores: dict[UUID, float] = {}
    for ranking in rankings:
        for rank, passage_id in enumerate(ranking, start=1):
            scores[passage_id] = scores.get(passage_id, 0.0) + 1 / (FUSION + rank)
    return sorted(scores, key=lambda passage_id: -scores[passage_id])[:limit]


def in_context(lesson: str, passage: Passage) -> str:
    """What is searched: the passage under the titles above it, as far as it doesn't hold them itself."""
    above = dict.fromkeys([lesson, *passage.headings])
    return "\n".join([*(title for title in above if title not in passage.text), passage.text])


def quotable(text: str) -> list[Span]:
    """The sentences of a passage that can answer something: no headings, no questions, and no options of a question."""
    found: list[Span] = []
    asked = False
    for block in blocks(text):
        if block.kind in (Kind.HEADING, Kind.RULE) or (asked and block.kind is Kind.ITEM):
            continue
        # A quiz lists what may be wrong below its question; quoted alone, a wrong option would read as a fact.
        asked = _asks(text, block.start, block.end)
        found += [span for span in _spans(text, block) if _says_something(text, span)]
    return found


def _spans(text: str, block: Block) -> list[Span]:
    if block.kind in (Kind.CODE, Kind.ROW):
        return [Span(block.start, block.end)]
    return sentences(text, block.content, block.end)


def _asks(text: str, start: int, end: int) -> bool:
    return text[start:end].rstrip("*_`\"'”’»)] ").endswith(("?", "？", "؟"))


def _says_something(text: str, span: Span) -> bool:
    return not _asks(text, span.start, span.end) and len(words(span.of(text))) >= _FEWEST_WORDS
