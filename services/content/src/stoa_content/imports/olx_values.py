"""Keys of OLX problems that ask for a number or a text."""

import re
from collections.abc import Iterator
from decimal import Decimal
from xml.etree.ElementTree import Element

from stoa_content.assessments.service import (
    NotANumber,
    NumberRange,
    NumericKey,
    QuestionKind,
    TextAnswer,
    TextKey,
    evaluate,
)
from stoa_content.imports.olx_keys import KeyIsMissing, NotGradable, Response, remarks_on, text_of

#: What Open edX allows where the author says nothing: capa's compare_with_tolerance.
_DEFAULT_TOLERANCE = "0.001%"
_RANGE = re.compile(r"(?P<open>[\[(])(?P<low>[^,]+),(?P<high>[^,]+)(?P<close>[\])])")
_SPECIAL = re.compile(r"[.^$*+?{}\[\]\\()]")


def read_number(element: Element) -> list[Response]:
    """A number with a tolerance, or a range such as `[5, 7)`."""
    tolerance = next((p.get("default", "") for p in element.iter("responseparam") if p.get("type") == "tolerance"), "")
    ranges = [_range(answer, tolerance or _DEFAULT_TOLERANCE, hint) for answer, hint in _right_answers(element)]
    return [Response(QuestionKind.NUMERIC, [], NumericKey(ranges), remarks_on(element))]


def read_text(element: Element) -> list[Response]:
    """A text, with others that are right too, and feedback on foreseen wrong ones."""
    modes = element.get("type", "").split()
    answers = [
        TextAnswer(text, feedback=hint)
        for answer, hint in _right_answers(element)
        for text in (_alternatives(answer) if "regexp" in modes else [answer])
    ]
    wrong = [
        TextAnswer(hint.get("answer", "").strip(), correct=False, feedback=text_of(hint))
        for hint in element.iter("stringequalhint")
    ]
    key = TextKey([*answers, *wrong], case_sensitive="ci" not in modes)
    return [Response(QuestionKind.TEXT, [], key, remarks_on(element))]


def _right_answers(element: Element) -> Iterator[tuple[str, str | None]]:
    """Each right answer with its feedback; raises KeyIsMissing for an empty one."""
    first = element.get("answer", "").strip()
    if not first:
        raise KeyIsMissing("It has no right answer; give it one in `answer`.")
    shared = text_of(element.find("correcthint"))
    yield first, shared
    for more in element.iter("additional_answer"):
        answer = (more.get("answer") or more.text or "").strip()
        if answer:
            yield answer, text_of(more.find("correcthint")) or shared


def _range(answer: str, tolerance: str, hint: str | None) -> NumberRange:
    try:
        if found := _RANGE.fullmatch(answer):
            low, high = evaluate(found["low"]), evaluate(found["high"])
            return NumberRange(low, high, found["open"] == "[", found["close"] == "]", feedback=hint)
        value = evaluate(answer)
        width = _width(value, tolerance)
    except NotANumber as reason:
        raise NotGradable(f"Its answer is no plain number: {reason}") from None
    return NumberRange(value - width, value + width, feedback=hint)


def _width(value: Decimal, tolerance: str) -> Decimal:
    width = abs(evaluate(tolerance.strip().removesuffix("%")))
    return abs(value) * width / 100 if tolerance.strip().endswith("%") else width


def _alternatives(pattern: str) -> list[str]:
    """The texts that a regular expression stands for, where it is no more than a list of them."""
    texts = pattern.removeprefix("^").removesuffix("$").split("|")
    if any(_SPECIAL.search(text) or not text.strip() for text in texts):
        raise NotGradable("Answers by regular expression are not graded yet.")
    return texts
