"""A lesson's Markdown as passages of about 200 tokens, each a place in the text: `passage.text == text[start:end]`.

Passages follow each other in order, never overlap, and hold every character that is not whitespace. A heading opens a
passage and stays with what follows it; a sentence is cut only when it alone is longer than a passage may be.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from stoa_ai.passages.blocks import Block, Kind, blocks
from stoa_ai.passages.sentences import Span, block_sentences

LIMIT = 200
# Scripts without spaces: one character is about one token.
_DENSE = "\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_DENSE}]|[^\W{_DENSE}]+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Passage:
    """Code points `start` to `end` of a lesson's text; `headings` is the path of headings that they stand under."""

    start: int
    end: int
    text: str
    headings: tuple[str, ...]


@dataclass(slots=True)
class _Section:
    headings: tuple[str, ...] = ()
    blocks: list[Block] = field(default_factory=list)


def split(text: str, *, limit: int = LIMIT) -> list[Passage]:
    """The passages of a lesson. An empty text has none."""
    return [
        Passage(span.start, span.end, span.of(text), section.headings)
        for section in _sections(text)
        for span in _pack(text, _pieces(text, section, limit), limit)
    ]


def estimate_tokens(text: str) -> int:
    """About how many WordPiece tokens a text has: one a word and one more for each eight letters of it."""
    return sum(1 + len(token) // 8 for token in _TOKEN.findall(text))


def _sections(text: str) -> list[_Section]:
    """Runs of blocks under one path of headings. Headings without text between them open one section together."""
    found: list[_Section] = []
    path: dict[int, str] = {}
    for block in blocks(text):
        if block.kind is Kind.HEADING:
            path = {level: title for level, title in path.items() if level < block.level}
            path[block.level] = block.title or _title(text, block)
        if not found or (block.kind is Kind.HEADING and _has_content(found[-1])):
            found.append(_Section())
        found[-1].blocks.append(block)
        found[-1].headings = tuple(title for title in path.values() if title)
    return found


def _has_content(section: _Section) -> bool:
    return any(block.kind is not Kind.HEADING for block in section.blocks)


def _title(text: str, block: Block) -> str:
    """An underlined heading's words, without the underline."""
    first, _, _ = text[block.start : block.end].rpartition("\n")
    return " ".join(first.split())


def _pieces(text: str, section: _Section, limit: int) -> list[Span]:
    """What may not be parted: blocks that fit, else their sentences or lines, else as many words as fit."""
    lead = [block for block in section.blocks if block.kind is Kind.HEADING]
    body = section.blocks[len(lead) :]
    size = sum(estimate_tokens(text[block.start : block.end]) for block in lead)
    # A heading alone answers nothing, so it keeps the beginning of its text, unless it is itself half a passage.
    if not lead or not body or size > limit // 2:
        return [piece for block in section.blocks for piece in _fitting(text, block, limit)]
    first, *more = _fitting(text, body[0], limit - size)
    rest = [piece for block in body[1:] for piece in _fitting(text, block, limit)]
    return [Span(lead[0].start, first.end), *more, *rest]


def _fitting(text: str, block: Block, limit: int) -> Iterator[Span]:
    whole = Span(block.start, block.end)
    if estimate_tokens(whole.of(text)) <= limit:
        yield whole
        return
    for part in block_sentences(text, block):
        yield from _cut(text, part, limit)


def _cut(text: str, span: Span, limit: int) -> Iterator[Span]:
    """A sentence too long for a passage, cut between words; a word of more than 8 x limit letters is cut inside."""
    start, size = span.start, 0
    end = start
    for word in re.compile(rf"\S{{1,{8 * (limit - 1)}}}").finditer(text, span.start, span.end):
        tokens = estimate_tokens(word.group())
        if size and size + tokens > limit:
            yield Span(start, end)
            start, size = word.start(), 0
        size, end = size + tokens, word.end()
    yield Span(start, end)


def _pack(text: str, pieces: list[Span], limit: int) -> Iterator[Span]:
    """Neighbors joined into passages of like size, so that no section ends in a crumb."""
    sizes = [estimate_tokens(piece.of(text)) for piece in pieces]
    fewest = len(_parts(sizes, limit, share=limit))
    for part in _parts(sizes, limit, share=sum(sizes) / fewest):
        yield Span(pieces[part[0]].start, pieces[part[-1]].end)


def _parts(sizes: list[int], limit: int, *, share: float) -> list[list[int]]:
    """Runs of indexes, none above the limit; a run ends where the next piece would carry it further from its share."""
    parts: list[list[int]] = []
    size = 0
    for index, tokens in enumerate(sizes):
        if not parts or size + tokens > limit or size + tokens / 2 > share:
            parts.append([])
            size = 0
        parts[-1].append(index)
        size += tokens
    return parts
