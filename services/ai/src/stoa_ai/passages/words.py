"""The words that keyword search counts: case folded, plural endings off, no dictionary and no stop list."""

import re
import unicodedata
from collections import Counter

_WORD = re.compile(r"\w+")
# Scripts that don't put spaces between words are searched by pairs of characters.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
MAX_LENGTH = 64


def words(text: str) -> list[str]:
    """The terms of a text in order, repeated as often as they occur; the same for passages and questions."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return [term for word in _WORD.findall(folded) for term in _terms(word.strip("_"))]


def count_words(text: str) -> Counter[str]:
    return Counter(words(text))


def _terms(word: str) -> list[str]:
    if _UNSPACED.fullmatch(word) and len(word) > 1:
        return [word[i : i + 2] for i in range(len(word) - 1)]
    return [_singular(word)[:MAX_LENGTH]] if word else []


def _singular(word: str) -> str:
    """The S-stemmer (Harman, How effective is suffixing?, JASIS 42, 1991): it conflates plurals and little else."""
    if len(word) < 4 or not word.isascii() or not word.endswith("s"):
        return word
    if word.endswith("ies"):
        return word if word.endswith(("eies", "aies")) else f"{word[:-3]}y"
    if word.endswith("es"):
        return word if word.endswith(("aes", "ees", "oes")) else word[:-1]
    return word if word.endswith(("us", "ss")) else word[:-1]
