"""Markdown as blocks with exact places: headings, paragraphs, list items, table rows, code.

A line scanner, not a renderer: it only has to find where a thought ends, and every offset must hold in the text as it
was sent. It follows CommonMark 0.31 for what begins a block; nesting is ignored, since a nested item is a block anyway.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))??(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|(?:-[ \t]*){3,})$")
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+(?=\S)")
_ROW = re.compile(r"[ \t]*\|")


class Kind(Enum):
    HEADING = auto()
    TEXT = auto()
    ITEM = auto()
    ROW = auto()
    CODE = auto()
    RULE = auto()


@dataclass(slots=True)
class Block:
    """`text[start:end]` without surrounding whitespace; `content` is where a marker such as `- ` has ended."""

    kind: Kind
    start: int
    end: int
    content: int
    level: int = 0
    title: str = ""


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    text: str

    @property
    def first(self) -> int:
        return self.start + len(self.text) - len(self.text.lstrip())

    @property
    def last(self) -> int:
        return self.start + len(self.text.rstrip())


def blocks(text: str) -> list[Block]:
    """The text's blocks in order; every character that is not whitespace belongs to exactly one."""
    found: list[Block] = []
    lines = [_Line(m.start(), m.group()) for m in _LINE.finditer(text) if m.group()]
    after_blank = True
    rest = iter(lines)
    for line in rest:
        if not line.text.strip():
            after_blank = True
            continue
        previous = None if after_blank or not found else found[-1]
        after_blank = False
        if fence := _FENCE.match(line.text):
            found.append(_code(line, fence.group(1), rest))
        elif not _grow(previous, line):
            found.append(_begin(line))
    return found


def _code(line: _Line, fence: str, rest: Iterator[_Line]) -> Block:
    """A fenced block runs to its closing fence, or to the end of the text."""
    closing = re.compile(rf" {{0,3}}{re.escape(fence[0])}{{{len(fence)},}}[ \t]*$")
    block = Block(Kind.CODE, line.first, line.last, line.first)
    for inner in rest:
        block.end = max(block.end, inner.last) if inner.text.strip() else block.end
        if closing.match(inner.text.rstrip("\r\n")):
            break
    return block


def _grow(previous: Block | None, line: _Line) -> bool:
    """Whether the line continues the block above it, which it then extends; an underline makes that a heading."""
    if previous is None or previous.kind not in (Kind.TEXT, Kind.ITEM):
        return False
    bare = line.text.rstrip("\r\n")
    if previous.kind is Kind.TEXT and (underline := _UNDERLINE.match(bare)):
        previous.kind, previous.level = Kind.HEADING, 1 if underline.group(1)[0] == "=" else 2
    elif _HEADING.match(bare) or _RULE.match(bare) or _ITEM.match(bare) or _ROW.match(bare):
        return False
    previous.end = line.last
    return True


def _begin(line: _Line) -> Block:
    bare = line.text.rstrip("\r\n")
    if heading := _HEADING.match(bare):
        level, title = len(heading.group(1)), (heading.group(2) or "").strip()
        return Block(Kind.HEADING, line.first, line.last, line.first, level, title)
    if _RULE.match(bare):
        return Block(Kind.RULE, line.first, line.last, line.first)
    if item := _ITEM.match(bare):
        return Block(Kind.ITEM, line.first, line.last, line.start + item.end())
    kind = Kind.ROW if _ROW.match(bare) else Kind.TEXT
    return Block(kind, line.first, line.last, line.first)
