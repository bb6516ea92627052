"""What a reader may see of a problem of OLX: prose, without inputs, keys, hints, solutions or code."""

import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

from stoa_content.imports.html import to_markdown

#: Prose alone is let through; whatever else a problem holds, now or in later versions of OLX, is taken for a secret.
_PROSE = {
    "a", "abbr", "article", "b", "blockquote", "br", "caption", "center", "cite", "clarification", "code", "dd",
    "del", "div", "dl", "dt", "em", "figcaption", "figure", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr",
    "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "section", "small", "span", "strong",
    "sub", "sup", "table", "tbody", "td", "text", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var",
}  # fmt: skip
_PARAGRAPHS = {"label", "description", "legend"}
_ATTRIBUTES = ("href", "src", "alt", "title", "colspan")
_MARK = "\ue000"
_MARKED = re.compile(rf"{_MARK}(\d+){_MARK}")


@dataclass(frozen=True, slots=True)
class Page:
    """A problem's responses, the text before each of them, and the text after the last."""

    responses: list[Element]
    texts: list[str]
    rest: str


def is_response(element: Element) -> bool:
    return str(element.tag).endswith("response")


def read_page(problem: Element) -> Page:
    """The prose of a problem, in reading order; raises HtmlIsTooBig."""
    responses: list[Element] = []
    copy = _copy(problem, "div", responses)
    # [text, "0", text, "1", ..., text]
    pieces = _MARKED.split(_markdown(copy))
    before = {int(number): text.strip() for text, number in zip(pieces[::2], pieces[1::2], strict=False)}
    return Page(responses, [before.get(n, "") for n in range(len(responses))], pieces[-1].strip())


def inner_markdown(element: Element) -> str:
    """The prose within one element, such as a choice less its feedback."""
    return _markdown(_copy(element, "div", []))


def _markdown(element: Element) -> str:
    return to_markdown(tostring(element, encoding="unicode", method="html"))


def _copy(element: Element, tag: str, responses: list[Element]) -> Element:
    # Serialized as HTML, a bracket would stay one in an attribute, and break the tag.
    attributes = {name: value.replace("<", "") for name, value in element.attrib.items() if name in _ATTRIBUTES}
    copy = Element(tag, attributes)
    copy.text = _clean(element.text)
    for child in element:
        _add(copy, child, responses)
        copy[-1].tail = _clean(child.tail)
    return copy


def _add(parent: Element, child: Element, responses: list[Element]) -> None:
    tag = str(child.tag)
    if is_response(child):
        number = len(responses)
        responses.append(child)
        parent.append(_copy(child, "div", responses))
        SubElement(parent[-1], "p").text = f"{_MARK}{number}{_MARK}"
    elif tag in _PARAGRAPHS:
        parent.append(_copy(child, "p", responses))
    elif tag in _PROSE:
        parent.append(_copy(child, tag, responses))
    else:
        _add_unknown(parent, child, responses)


def _add_unknown(parent: Element, child: Element, responses: list[Element]) -> None:
    """Stand in for an element that isn't shown; a response that lies within it is a question all the same."""
    stand_in = SubElement(parent, "span")
    for inner in child.iter():
        if inner is not child and is_response(inner):
            _add(stand_in, inner, responses)


def _clean(text: str | None) -> str | None:
    return text.replace(_MARK, "") if text else text
