"""The words of pages: `words/<area>.json` holds `{"key": {"en": "...", "ru": "..."}}`, read once."""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from stoa_auth.rendering.domain import LANGUAGES

#: The sentences of permissions are English already: these keys may lack it.
SCOPE: Final = "scope."


class TextsAreIncomplete(ValueError):
    """A key stands in two files, or lacks a language."""


def _read() -> Mapping[str, Mapping[str, str]]:
    found: dict[str, Mapping[str, str]] = {}
    for file in sorted(files(__package__).joinpath("words").iterdir(), key=lambda file: file.name):
        for key, written in json.loads(file.read_text("utf-8")).items():
            if key in found or (written.keys() != LANGUAGES.keys() and not key.startswith(SCOPE)):
                raise TextsAreIncomplete(f"{key} in {file.name}: write it once, in {', '.join(LANGUAGES)}.")
            found[key] = written
    return found


TEXTS: Final = _read()


def say(language: str, key: str, **values: object) -> str:
    """The words of a key; raises KeyError for one that nobody wrote."""
    return TEXTS[key][language].format(**values)


def find(language: str, key: str) -> str | None:
    """The words of a key that may be missing; none of those has values."""
    return TEXTS.get(key, {}).get(language)
