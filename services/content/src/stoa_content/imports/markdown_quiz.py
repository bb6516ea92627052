"""Questions in Markdown: each is a heading of level 2, a prompt, and the lines that make its key.

    ## Which of these are fruits?
    - [x] Apple {{ Yes: it has seeds. }}        several choices; `- (x)`, `- ( )` where one is right
    - [ ] Potato
    = 42 +- 0.5        a number with a tolerance, absolute or in percent; `= [41, 43)` is a range
    = Alaska           a text, where it is no number; `= "12"` is a text too
    or= Alyeska        another right answer
    not= Texas {{ Second largest. }}            a wrong answer that has feedback
    > hint: Think of the north.
    > solution: Alaska has 1.7 million km².

Every other line is prompt. Lines in fenced code are prompt always. An indented line goes on with the choice above it, a
quoted one with the hint or solution.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from stoa_content.assessments.service import Credit, Question
from stoa_content.imports import markdown_keys
from stoa_content.imports.domain import Findings
from stoa_content.imports.markdown_keys import AnswerLine, OptionLines, Place

# No pattern has two repeats that can share blanks: on a long line that would take quadratic time.
_HEADING = re.compile(r"##(?!#)(?P<title>.*)$")
_FENCE = re.compile(r" {0,3}(?P<mark>`{3,}|~{3,})")
_OPTION = re.compile(r"\s*[-*+] (?P<mark>\([ xX]?\)|\[[ xX]?\](?!\())(?P<text>.*)$")
_ANSWER = re.compile(r"\s*(?P<sign>=|or=|not=)(?!=)(?P<text>.*)$")
_NOTE = re.compile(r"\s*>\s*(?P<kind>hint|solution)\s*:(?P<text>.*)$", re.IGNORECASE)
_QUOTED = re.compile(r"\s*>\s?(?P<text>.*)$")
_INDENTED = re.compile(r"(?:\s{2,}|\t)(?P<text>\S.*)$")
_SINGLE_CHOICE = re.compile(r"\s*[-*+] \([ xX]?\)\s")


@dataclass(slots=True)
class _Block:
    """The lines of one question, sorted by what they are."""

    place: Place
    title: str
    prompt: list[str] = field(default_factory=list)
    options: list[OptionLines] = field(default_factory=list)
    answers: list[AnswerLine] = field(default_factory=list)
    hints: list[list[str]] = field(default_factory=list)
    solutions: list[list[str]] = field(default_factory=list)
    #: The text that a line of this pattern goes on with.
    open: tuple[re.Pattern[str], list[str]] | None = None


def parse(
    file: str, lines: list[str], *, first_line: int, credit: Credit, case_sensitive: bool, findings: Findings
) -> tuple[str, list[Question]]:
    """The text before the first question, and the questions; what is wrong is added to the findings."""
    blocks = _blocks(file, lines, first_line)
    intro = blocks.pop(0)
    for place in [*(each.place for each in intro.options), *(each.place for each in intro.answers)]:
        findings.add(file, place.line, "Put a heading of level 2, the question's title, above its answers.")
    if not blocks:
        findings.add(file, first_line, "A quiz needs a question: begin one with `## ` and its title.")
    found = (_question(block, credit=credit, case_sensitive=case_sensitive, findings=findings) for block in blocks)
    return "\n".join(intro.prompt), [question for question in found if question]


def find_choices(lines: list[str], first_line: int) -> Iterator[int]:
    """The lines that look like choices of a quiz, and would show its key if they were read as text."""
    yield from (number for number, line, fenced in _numbered(lines, first_line) if not fenced and _is_choice(line))


def _is_choice(line: str) -> bool:
    return bool(_SINGLE_CHOICE.match(line))


def _numbered(lines: list[str], first_line: int) -> Iterator[tuple[int, str, bool]]:
    """Each line with its number, and whether it belongs to fenced code."""
    fence: str | None = None
    for number, line in enumerate(lines, first_line):
        mark = _FENCE.match(line)
        yield number, line, bool(fence or mark)
        if mark and fence is None:
            fence = mark["mark"]
        elif mark and fence and line.strip().startswith(fence) and not line.strip().strip(fence[0]):
            fence = None


def _blocks(file: str, lines: list[str], first_line: int) -> list[_Block]:
    blocks = [_Block(Place(file, first_line), "")]
    for number, line, fenced in _numbered(lines, first_line):
        if fenced:
            _take_prompt(blocks[-1], line)
        elif heading := _HEADING.match(line):
            blocks.append(_Block(Place(file, number), heading["title"].strip().rstrip("#").rstrip()))
        else:
            _take(blocks[-1], Place(file, number), line)
    return blocks


def _take(block: _Block, place: Place, line: str) -> None:
    """Give a line to the part of the question that it belongs to."""
    if option := _OPTION.match(line):
        block.options.append(OptionLines(place, mark=option["mark"], lines=[option["text"]]))
        block.open = (_INDENTED, block.options[-1].lines)
    elif answer := _ANSWER.match(line):
        block.answers.append(AnswerLine(place, sign=answer["sign"], text=answer["text"].strip()))
        block.open = None
    elif note := _NOTE.match(line):
        notes = block.hints if note["kind"].lower() == "hint" else block.solutions
        notes.append([note["text"]])
        block.open = (_QUOTED, notes[-1])
    elif block.open and (more := block.open[0].match(line)):
        block.open[1].append(more["text"])
    else:
        _take_prompt(block, line)


def _take_prompt(block: _Block, line: str) -> None:
    block.prompt.append(line)
    block.open = None


def _question(block: _Block, *, credit: Credit, case_sensitive: bool, findings: Findings) -> Question | None:
    if not block.title:
        findings.add(block.place.file, block.place.line, "The question needs a title after `##`.")
    try:
        kind, options, key = markdown_keys.build(
            block.place, block.options, block.answers, credit=credit, case_sensitive=case_sensitive
        )
    except markdown_keys.BadKey as wrong:
        findings.add(wrong.place.file, wrong.place.line, str(wrong))
        return None
    return Question(
        kind=kind,
        title=block.title,
        prompt="\n".join(block.prompt).strip(),
        options=options,
        key=key,
        hints=[_joined(hint) for hint in block.hints],
        solution="\n\n".join(_joined(solution) for solution in block.solutions) or None,
    )


def _joined(lines: list[str]) -> str:
    return "\n".join(lines).strip()
