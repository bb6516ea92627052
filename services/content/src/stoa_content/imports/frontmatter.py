"""The head of a Markdown file: flat YAML between two lines of `---`."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

import yaml

from stoa_content.imports.domain import MAX_TITLE_LENGTH, Findings

Choice = TypeVar("Choice", bound=StrEnum)
MAX_BYTES = 8_000
_MAX_DEPTH = 3
_FENCE = "---"
#: YAML can spell what no database and no UTF-8 can hold.
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


class _Loader(yaml.SafeLoader):
    """Plain YAML of little depth, without aliases: nothing in it grows when it is read."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or self.depth > _MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem="write it flat, without aliases", problem_mark=event.start_mark)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


@dataclass(slots=True)
class FrontMatter:
    """The fields of one file's head; reading a field of the wrong type adds a finding and gives the default."""

    file: str
    fields: dict[str, Any]
    head: list[str]
    findings: Findings

    def line(self, name: str) -> int:
        """The line of a field; of the head's begin where there is none."""
        return next((n for n, line in enumerate(self.head, 2) if re.match(rf"{re.escape(name)}\s*:", line)), 1)

    def text(self, name: str, default: str = "") -> str:
        value = self.fields.get(name, default)
        if isinstance(value, str) and _UNSTORABLE.search(value):
            self._refuse(name, "holds a control character")
            return default
        if isinstance(value, str):
            return value.strip()
        self._refuse(name, "must be text; put it in quotes")
        return default

    def title(self) -> str:
        title = " ".join(self.text("title").split())
        if not str(self.fields.get("title") or "").strip():
            self.findings.add(self.file, 1, "The front matter needs a `title`.")
        if len(title) > MAX_TITLE_LENGTH:
            self._refuse("title", f"is longer than {MAX_TITLE_LENGTH} characters")
        return title

    def count(self, name: str) -> int | None:
        value = self.fields.get(name)
        if value is None or (type(value) is int and 1 <= value <= 1_000):
            return value
        self._refuse(name, "must be a whole number from 1 to 1000")
        return None

    def share(self, name: str, default: float) -> float:
        value = self.fields.get(name, default)
        if type(value) in (int, float) and 0 <= value <= 1:
            return float(value)
        self._refuse(name, "must be a number from 0 to 1, such as 0.6")
        return default

    def flag(self, name: str) -> bool:
        value = self.fields.get(name, False)
        if not isinstance(value, bool):
            self._refuse(name, "must be true or false")
        return value is True

    def choice(self, name: str, default: Choice) -> Choice:
        value = self.fields.get(name, default)
        kind = type(default)
        if value in set(kind):
            return kind(value)
        self._refuse(name, f"must be one of {', '.join(kind)}")
        return default

    def texts(self, name: str) -> list[str]:
        value = self.fields.get(name, [])
        if isinstance(value, list) and all(isinstance(each, str) and each.isprintable() for each in value):
            return value
        self._refuse(name, "must be a list of texts")
        return []

    def _refuse(self, name: str, message: str) -> None:
        self.findings.add(self.file, self.line(name), f"`{name}` {message}.")


def split(file: str, text: str, findings: Findings) -> tuple[FrontMatter, list[str], int]:
    """The front matter, the lines of the body, and the number of the body's first line."""
    lines = text.split("\n")
    if lines[0].rstrip() != _FENCE:
        findings.add(file, 1, "Begin the file with front matter: `---`, `title: ...`, `---`.")
        return FrontMatter(file, {"title": file}, [], findings), lines, 1
    end = next((n for n, line in enumerate(lines[1:], 1) if line.rstrip() == _FENCE), None)
    if end is None:
        findings.add(file, 1, "The front matter is not closed; put `---` in a line of its own after it.")
        return FrontMatter(file, {"title": file}, [], findings), [], 1
    head = lines[1:end]
    return FrontMatter(file, _fields(file, head, findings), head, findings), lines[end + 1 :], end + 2


def _fields(file: str, head: list[str], findings: Findings) -> dict[str, Any]:
    """The head's fields; a file whose head cannot be read gets a title, so that it is found wrong once only."""
    text = "\n".join(head)
    if len(text) > MAX_BYTES:
        findings.add(file, 1, "The front matter is too long; move the text below it.")
        return {"title": file}
    try:
        fields = yaml.load(text, Loader=_Loader) or {}  # noqa: S506  # a SafeLoader, made stricter
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "a value cannot be read"
        findings.add(file, mark.line + 2 if mark else 1, f"The front matter is not YAML: {problem}.")
        return {"title": file}
    if not isinstance(fields, dict):
        findings.add(file, 2, "The front matter must be lines of `name: value`.")
        return {"title": file}
    return {str(name): value for name, value in fields.items()}
