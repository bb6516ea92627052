"""A problem of OLX: its text as a reader sees it, and a question for each response that can be graded here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element, tostring

from stoa_content.assessments.service import Question
from stoa_content.imports.domain import Findings, Report, question_text
from stoa_content.imports.olx_keys import KeyIsMissing, NotGradable, Response
from stoa_content.imports.olx_page import inner_markdown, read_page
from stoa_content.imports.olx_responses import check_type, read_responses
from stoa_content.imports.olx_xml import Block

_VARIABLE = re.compile(r"\$\{?[A-Za-z_]")


@dataclass(slots=True)
class Problem:
    """What a problem becomes: paragraphs of the lesson's text in reading order, and questions."""

    parts: list[str]
    questions: list[Question]


def read_problem(block: Block, report: Report, findings: Findings) -> Problem:
    """Read a problem; what cannot be graded goes to the report, what is wrong to the findings.

    Raises HtmlIsTooBig.
    """
    return _Reader(block, report, findings).problem()


class _Reader:
    def __init__(self, block: Block, report: Report, findings: Findings) -> None:
        self._block, self._report, self._findings = block, report, findings
        self._title = block.title or "Problem"
        self._page = read_page(block.element)
        self._scripted = next(block.element.iter("script"), None) is not None

    def problem(self) -> Problem:
        questions: list[Question] = []
        waiting: list[str] = []
        for text, element in zip(self._page.texts, self._page.responses, strict=True):
            waiting.append(text or _label(element))
            for response in self._gradable(element, text):
                questions.append(self._question(response, element, _paragraphs(waiting)))
                waiting = []
        if not self._page.responses:
            self._note("problem", "It asks for no answer.")
        if questions and not waiting:
            questions[-1] = replace(questions[-1], prompt=_paragraphs([questions[-1].prompt, self._page.rest]))
            return self._assemble(questions, "")
        return self._assemble(questions, _paragraphs([*waiting, self._page.rest]))

    def _assemble(self, questions: list[Question], rest: str) -> Problem:
        if len(questions) > 1:
            questions = [replace(each, title=f"{each.title} ({n})") for n, each in enumerate(questions, 1)]
        parts = [question_text(question) for question in questions] or [f"## {self._title}"]
        return Problem([*parts, rest], questions)

    def _gradable(self, element: Element, text: str) -> Iterator[Response]:
        """The questions of a response, or none, with a line in the report."""
        try:
            responses = self._responses(element, text)
        except NotGradable as reason:
            self._note(str(element.tag), str(reason))
            return
        except KeyIsMissing as missing:
            self._findings.add(self._block.file, None, f"{self._title}: {missing}")
            return
        for response in responses:
            for remark in response.remarks:
                self._note(str(element.tag), remark)
            yield response

    def _responses(self, element: Element, text: str) -> list[Response]:
        check_type(element)
        if self._scripted and _VARIABLE.search(text + tostring(element, encoding="unicode")):
            raise NotGradable("Its values are computed by a script, which Stoa does not run.")
        return read_responses(element)

    def _question(self, response: Response, element: Element, prompt: str) -> Question:
        return Question(
            kind=response.kind,
            title=self._title,
            prompt=prompt,
            options=response.options,
            key=response.key,
            hints=[inner_markdown(hint) for hint in self._block.element.findall(".//demandhint/hint")],
            solution=self._solution(element),
        )

    def _solution(self, response: Element) -> str | None:
        """The response's own solution, or else the problem's."""
        elsewhere = {id(each) for other in self._page.responses for each in other.iter("solution")}
        shared = [each for each in self._block.element.iter("solution") if id(each) not in elsewhere]
        return _paragraphs([inner_markdown(each) for each in list(response.iter("solution")) or shared]) or None

    def _note(self, type: str, reason: str) -> None:
        self._report.note("problem", type, id=self._block.id, title=self._title, reason=reason)


def _label(response: Element) -> str:
    """The question as it is read out to people who do not see it: an attribute of the input."""
    return next((label for each in response.iter() if (label := (each.get("label") or "").strip())), "")


def _paragraphs(texts: list[str]) -> str:
    return "\n\n".join(text for text in texts if text)
