"""Prompts are files, `<id>@<version>.md`; a released one is never edited, its successor gets the next version."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt's text with the name that every generation records: `ask@1#<first 12 digits of its sha256>`."""

    name: str
    text: str

    def fill(self, **values: str) -> str:
        filled = self.text
        for key, value in values.items():
            filled = filled.replace(f"{{{key}}}", value)
        return filled


def load(name: str) -> Prompt:
    text = files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8")
    return Prompt(f"{name}#{hashlib.sha256(text.encode()).hexdigest()[:12]}", text)
