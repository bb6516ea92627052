"""What a response of OLX becomes, and the two ways in which it may become nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from stoa_content.assessments.service import Key, Option, QuestionKind
from stoa_content.imports.olx_page import inner_markdown


class NotGradable(ValueError):
    """Stoa cannot grade this response yet; the message is the reason that the report gives."""


class KeyIsMissing(ValueError):
    """The response has no right answer; the message says what to mend."""


@dataclass(frozen=True, slots=True)
class Response:
    """A question's kind, choices and key; remarks say what of it Stoa leaves out."""

    kind: QuestionKind
    options: Sequence[Option]
    key: Key
    remarks: list[str] = field(default_factory=list)


def text_of(element: Element | None) -> str | None:
    return (inner_markdown(element) or None) if element is not None else None


def remarks_on(element: Element) -> list[str]:
    """What the author asked for beyond right and wrong."""
    remarks = []
    if partial := element.get("partial_credit"):
        remarks.append(f"Partial credit ({partial[:20]}) is not given: the question is imported as right or wrong.")
    if any(each.get("shuffle", "").lower() == "true" or each.get("answer-pool") for each in element.iter()):
        remarks.append("Its choices are shown in the author's order, all of them.")
    if any(each.get("targeted-feedback") for each in element.iter()):
        remarks.append("Targeted feedback is not shown.")
    return remarks
