"""The response types of OLX that Stoa grades; any other is refused with a reason.

Format: https://docs.openedx.org/en/latest/educators/references/course_development/olx_problem_types.html
"""

from collections.abc import Callable
from xml.etree.ElementTree import Element

from stoa_content.imports.olx_choices import read_checkboxes, read_dropdowns, read_radio_buttons
from stoa_content.imports.olx_keys import NotGradable, Response
from stoa_content.imports.olx_values import read_number, read_text

_READERS: dict[str, Callable[[Element], list[Response]]] = {
    "multiplechoiceresponse": read_radio_buttons,
    "choiceresponse": read_checkboxes,
    "optionresponse": read_dropdowns,
    "numericalresponse": read_number,
    "stringresponse": read_text,
}
_REASONS = {
    "customresponse": "A Python script in the course grades it, which Stoa does not run.",
    "formularesponse": "Formulas with variables are not graded yet.",
    "symbolicresponse": "Formulas with variables are not graded yet.",
    "imageresponse": "Clicks on images are not graded yet.",
    "coderesponse": "Code is not graded yet.",
    "externalresponse": "A server outside of Stoa grades it.",
    "choicetextresponse": "Choices that contain inputs are not graded yet.",
}
_INPUT_REASONS = {
    "drag_and_drop_input": "Drag and drop is not supported yet.",
    "jsinput": "Exercises in JavaScript are not run.",
}


def check_type(element: Element) -> None:
    """Raise NotGradable for a type that Stoa does not grade."""
    if str(element.tag) not in _READERS:
        raise NotGradable(_reason(element))


def read_responses(element: Element) -> list[Response]:
    """The questions that a response of a known type asks; raises NotGradable or KeyIsMissing."""
    return _READERS[str(element.tag)](element)


def _reason(element: Element) -> str:
    special = (_INPUT_REASONS[tag] for each in element.iter() if (tag := str(each.tag)) in _INPUT_REASONS)
    return next(special, _REASONS.get(str(element.tag), "This type of problem is not supported yet."))
