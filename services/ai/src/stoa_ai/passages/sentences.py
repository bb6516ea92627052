"""Sentences with exact places, by punctuation alone: no model, any language that ends sentences with a mark."""

import re
from dataclasses import dataclass

from stoa_ai.passages.blocks import Block, Kind

_CLOSERS = r"[\"'”’»)\]*_`]*"
_END = re.compile(rf"[.!?…]+{_CLOSERS}(?=\s)|[。！？]+[”’」』）]*")
_ABBREVIATIONS = re.compile(
    r"(?i)e\.g|i\.e|cf|vs|etc|dr|mrs?|ms|prof|st|nos?|figs?|eq|sec|ch|vol|pp?|eds?|al|approx|ca|inc|ltd|jr|sr"
)
_FULL_LINE = re.compile(r"[^\r\n]+")
_LAST_WORD = re.compile(r"([\w.]+)$")


@dataclass(frozen=True, slots=True)
class Span:
    """Code points `start` to `end` of a text, the end not included."""

    start: int
    end: int

    def of(self, text: str) -> str:
        return text[self.start : self.end]


def block_sentences(text: str, block: Block) -> list[Span]:
    """A block's sentences; code has lines instead."""
    if block.kind is Kind.CODE:
        lines = _FULL_LINE.finditer(text, block.start, block.end)
        return [span for line in lines if (span := _trimmed(text, *line.span())).start < span.end]
    return sentences(text, block.start, block.end)


def sentences(text: str, start: int, end: int) -> list[Span]:
    """The sentences of `text[start:end]`, each without surrounding whitespace; together they hold all the rest."""
    found: list[Span] = []
    begin = start
    for mark in _END.finditer(text, start, end):
        if mark.end() < end and _ends_sentence(text, begin, mark):
            found.append(_trimmed(text, begin, mark.end()))
            begin = mark.end()
    found.append(_trimmed(text, begin, end))
    return [span for span in found if span.start < span.end]


def _ends_sentence(text: str, begin: int, mark: re.Match[str]) -> bool:
    """A lone period is weighed: abbreviations, initials, item numbers and a lower-case sequel do not end a sentence."""
    if mark.group() != ".":
        return True
    sequel = text[mark.end() :].lstrip()[:1]
    word = _LAST_WORD.search(text, begin, mark.start())
    if sequel.islower() or word is None:
        return not sequel.islower()
    before = word.group(1)
    initial = len(before) == 1 and before.isalpha()
    item_number = before.isdigit() and not text[begin : word.start()].strip()
    return not (initial or item_number or _ABBREVIATIONS.fullmatch(before))


def _trimmed(text: str, start: int, end: int) -> Span:
    piece = text[start:end]
    if not piece.strip():
        return Span(start, start)
    return Span(start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip()))
