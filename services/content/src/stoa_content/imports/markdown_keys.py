"""Keys of Markdown questions: from the lines of choices and answers to what the server grades by."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from string import ascii_lowercase

from stoa_content.assessments.service import (
    ChoiceFeedback,
    ChoiceKey,
    Credit,
    Key,
    NumberRange,
    NumericKey,
    Option,
    QuestionKind,
    TextAnswer,
    TextKey,
    literal,
)
from stoa_content.imports.domain import MAX_OPTIONS

_RANGE = re.compile(r"(?P<open>[\[(])(?P<low>[^,]+),(?P<high>[^,]+)(?P<close>[\])])$")
_TOLERANCE_SIGNS = ("+/-", "+-", "±")
_QUOTED = re.compile(r'"(?P<text>.+)"$')


@dataclass(frozen=True, slots=True)
class Place:
    file: str
    line: int


class BadKey(ValueError):
    """The lines make no key; the message says what to mend, the place says where."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place = place


@dataclass(frozen=True, slots=True)
class OptionLines:
    place: Place
    mark: str
    lines: list[str]

    @property
    def correct(self) -> bool:
        return "x" in self.mark.lower()

    @property
    def single(self) -> bool:
        return self.mark.startswith("(")


@dataclass(frozen=True, slots=True)
class AnswerLine:
    place: Place
    sign: str
    text: str


def build(
    place: Place,
    options: Sequence[OptionLines],
    answers: Sequence[AnswerLine],
    *,
    credit: Credit,
    case_sensitive: bool,
) -> tuple[QuestionKind, list[Option], Key]:
    """The kind, the choices and the key; raises BadKey."""
    if options and answers:
        raise BadKey(answers[0].place, "A question has either choices or lines with `=`, not both.")
    if options:
        return _choices(place, options, credit)
    if not any(answer.sign != "not=" for answer in answers):
        raise BadKey(place, "The question has no right answer; add choices, or a line `= answer`.")
    read = [_answer(answer) for answer in answers]
    ranges = [each for each in read if isinstance(each, NumberRange)]
    texts = [each for each in read if isinstance(each, TextAnswer)]
    if ranges and texts:
        raise BadKey(place, 'Some answers are numbers and some are not; put all in quotes: `= "12"`.')
    if ranges:
        return QuestionKind.NUMERIC, [], NumericKey(sorted(ranges, key=lambda each: not each.correct))
    return QuestionKind.TEXT, [], TextKey(sorted(texts, key=lambda each: not each.correct), case_sensitive)


def _choices(place: Place, lines: Sequence[OptionLines], credit: Credit) -> tuple[QuestionKind, list[Option], Key]:
    single = lines[0].single
    _check_choices(place, lines, single=single)
    options, feedback = [], {}
    for option_id, line in zip(ascii_lowercase, lines, strict=False):
        text, said = _split_feedback("\n".join(line.lines))
        if not text:
            raise BadKey(line.place, "The choice has no text.")
        options.append(Option(option_id, text))
        if said:
            feedback[option_id] = ChoiceFeedback(chosen=said)
    correct = frozenset(option.id for option, line in zip(options, lines, strict=True) if line.correct)
    kind = QuestionKind.SINGLE if single else QuestionKind.MULTIPLE
    return kind, options, ChoiceKey(correct, credit, feedback)


def _check_choices(place: Place, lines: Sequence[OptionLines], *, single: bool) -> None:
    if other := next((line for line in lines if line.single != single), None):
        raise BadKey(other.place, "Mark all choices alike: `( )` where one is right, `[ ]` where several may be.")
    if not 2 <= len(lines) <= MAX_OPTIONS:
        raise BadKey(place, f"A question has 2 to {MAX_OPTIONS} choices.")
    right = [line for line in lines if line.correct]
    if not right:
        raise BadKey(place, f"The question has no right answer; mark one with {'(x)' if single else '[x]'}.")
    if single and len(right) > 1:
        raise BadKey(right[1].place, "Two choices are right; mark choices with `[ ]` and `[x]` instead of `( )`.")


def _answer(line: AnswerLine) -> NumberRange | TextAnswer:
    text, feedback = _split_feedback(line.text)
    right = line.sign != "not="
    if not text:
        raise BadKey(line.place, f"Write an answer after `{line.sign}`.")
    if quoted := _QUOTED.match(text):
        return TextAnswer(quoted["text"], right, feedback)
    if limits := _range(line.place, text) or _with_tolerance(line.place, text):
        low, high, low_included, high_included = limits
        return NumberRange(low, high, low_included, high_included, right, feedback)
    return TextAnswer(text, right, feedback)


def _range(place: Place, text: str) -> tuple[Decimal, Decimal, bool, bool] | None:
    found = _RANGE.match(text)
    low, high = (literal(found["low"].strip()), literal(found["high"].strip())) if found else (None, None)
    if found is None or low is None or high is None:
        return None
    if low > high:
        raise BadKey(place, "The range begins above its end.")
    return low, high, found["open"] == "[", found["close"] == "]"


def _with_tolerance(place: Place, text: str) -> tuple[Decimal, Decimal, bool, bool] | None:
    sign = next((sign for sign in _TOLERANCE_SIGNS if sign in text), None)
    before, _, after = text.partition(sign) if sign else (text, "", "0")
    value = literal(before.strip())
    if value is None:
        return None
    tolerance = literal(after.strip().removesuffix("%").rstrip())
    if tolerance is None or tolerance < 0:
        raise BadKey(place, "Write the tolerance as a number or a percentage: `= 42 +- 0.5` or `= 42 +- 2%`.")
    if after.rstrip().endswith("%"):
        tolerance = abs(value) * tolerance / 100
    return value - tolerance, value + tolerance, True, True


def _split_feedback(text: str) -> tuple[str, str | None]:
    """The text, and what stands between `{{` and `}}` at its end."""
    before, mark, after = text.rstrip().partition("{{")
    if not mark or not after.endswith("}}"):
        return text.strip(), None
    return before.strip(), after.removesuffix("}}").strip() or None
