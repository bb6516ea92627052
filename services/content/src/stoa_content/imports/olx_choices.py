"""Keys of OLX problems that offer choices: radio buttons, checkboxes, dropdowns in both their forms."""

import re
from string import ascii_lowercase
from xml.etree.ElementTree import Element

from stoa_content.assessments.service import ChoiceFeedback, ChoiceKey, Combination, Credit, Option, QuestionKind
from stoa_content.imports.domain import MAX_OPTIONS
from stoa_content.imports.olx_keys import KeyIsMissing, NotGradable, Response, remarks_on, text_of
from stoa_content.imports.olx_page import inner_markdown

_LISTED_OPTION = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|([^,'\"()\s][^,()]*)")


def read_radio_buttons(element: Element) -> list[Response]:
    choices = _choices(element)
    feedback = {
        option.id: ChoiceFeedback(chosen=hint)
        for option, choice in choices
        if (hint := text_of(choice.find("choicehint")))
    }
    key = ChoiceKey(_correct(choices), feedback=feedback)
    return [Response(QuestionKind.SINGLE, [option for option, _ in choices], key, remarks_on(element))]


def read_checkboxes(element: Element) -> list[Response]:
    choices = _choices(element)
    credit = Credit.EACH if element.get("partial_credit", "").strip().upper() == "EDC" else Credit.ALL
    key = ChoiceKey(
        _correct(choices),
        credit,
        {option.id: _two_sided(choice) for option, choice in choices if choice.find("choicehint") is not None},
        [_combination(hint) for hint in element.iter("compoundhint")],
    )
    remarks = remarks_on(element) if credit is Credit.ALL else []
    return [Response(QuestionKind.MULTIPLE, [option for option, _ in choices], key, remarks)]


def read_dropdowns(element: Element) -> list[Response]:
    inputs = list(element.iter("optioninput"))
    if not inputs:
        raise KeyIsMissing("The dropdown has no options; add them with one that is right.")
    return [_dropdown(each, remarks_on(element)) for each in inputs]


def _dropdown(element: Element, remarks: list[str]) -> Response:
    if element.get("options") is not None:
        return _listed_dropdown(element, remarks)
    choices = _lettered(list(element.iter("option")))
    feedback = {
        option.id: ChoiceFeedback(chosen=hint)
        for option, choice in choices
        if (hint := text_of(choice.find("optionhint")))
    }
    key = ChoiceKey(_correct(choices), feedback=feedback)
    return Response(QuestionKind.SINGLE, [option for option, _ in choices], key, remarks)


def _listed_dropdown(element: Element, remarks: list[str]) -> Response:
    """The older form: `options="('India','Spain')" correct="India"`."""
    texts = [next(filter(None, found), "").strip() for found in _LISTED_OPTION.findall(element.get("options", ""))]
    texts = [re.sub(r"\\(.)", r"\1", text) for text in texts]
    _check_count(len(texts))
    options = [Option(letter, text) for letter, text in zip(ascii_lowercase, texts, strict=False)]
    right = [option.id for option in options if option.text == element.get("correct", "").strip()]
    if not right:
        raise KeyIsMissing("None of its options is the one named as correct; name one of them.")
    return Response(QuestionKind.SINGLE, options, ChoiceKey(frozenset(right[:1])), remarks)


def _choices(element: Element) -> list[tuple[Option, Element]]:
    return _lettered(list(element.iter("choice")))


def _lettered(elements: list[Element]) -> list[tuple[Option, Element]]:
    _check_count(len(elements))
    letters = zip(ascii_lowercase, elements, strict=False)
    return [(Option(letter, inner_markdown(element)), element) for letter, element in letters]


def _check_count(count: int) -> None:
    if count == 0:
        raise KeyIsMissing("It has no choices; add them with one that is right.")
    if count > MAX_OPTIONS:
        raise NotGradable(f"It has {count} choices; {MAX_OPTIONS} is the most.")


def _correct(choices: list[tuple[Option, Element]]) -> frozenset[str]:
    right = frozenset(option.id for option, choice in choices if choice.get("correct", "").lower() == "true")
    if not right:
        raise KeyIsMissing('No choice is right; mark one with correct="true".')
    return right


def _two_sided(choice: Element) -> ChoiceFeedback:
    hints = {hint.get("selected", "").lower(): text_of(hint) for hint in choice.iter("choicehint")}
    return ChoiceFeedback(chosen=hints.get("true"), unchosen=hints.get("false"))


def _combination(hint: Element) -> Combination:
    letters = frozenset(hint.get("value", "").lower().split())
    return Combination(letters, inner_markdown(hint))
