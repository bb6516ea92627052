"""A model's chunks, read: what they say, what they used, how they ended. Servers differ; each shape here was met."""

from collections.abc import Iterable
from typing import Any, Final

from stoa_ai.passages.service import Hit, estimate_tokens
from stoa_ai.providers.domain import NOT_FOUND, AnswerWasCut, Cited, Finished, Piece, Text, Used
from stoa_ai.providers.screen import Screen

SENTINEL: Final = "NOT_FOUND"
#: Our count is of words; the tokenizers of large models find up to this much more.
ESTIMATE_MARGIN: Final = 1.15


class Meter:
    """What a call uses: the server's count wherever it sends one, else our estimate."""

    def __init__(self, prompt: str) -> None:
        self._read = estimate_tokens(prompt)
        self._written = 0
        self._told: Used | None = None

    def count(self, chunk: Any) -> None:
        self._written += estimate_tokens(_text(chunk))
        usage = getattr(chunk, "usage", None)
        # Some servers count in every chunk, cumulatively; the last count is the whole.
        if usage is not None and getattr(usage, "prompt_tokens", None) is not None:
            self._told = Used(usage.prompt_tokens, usage.completion_tokens or 0, "provider")

    @property
    def used(self) -> Used:
        estimate = Used(round(self._read * ESTIMATE_MARGIN), round(self._written * ESTIMATE_MARGIN), "estimate")
        return self._told or estimate


class Reading:
    """Chunks to pieces: the sentinel is held back, text is screened, each passage is cited once."""

    def __init__(self, screen: Screen, hits: list[Hit]) -> None:
        self._screen = screen
        self._hits = hits
        self._opening = ""
        self._is_open = False
        self._cited: set[int] = set()
        self._finish_reason: str | None = None

    def read(self, chunk: Any) -> list[Piece]:
        self._finish_reason = _finish_reason(chunk) or self._finish_reason
        text = _text(chunk)
        if not self._is_open:
            self._opening += text
            text = self._opening.lstrip()
            if SENTINEL.startswith(text[: len(SENTINEL)]):
                return []
            self._is_open = True
        return self._pieces(self._screen.feed(text))

    def end(self) -> list[Piece]:
        """Raises AnswerWasCut for an answer that is empty or was not finished."""
        if self._finish_reason != "stop":
            raise AnswerWasCut("The model stopped in the middle of its answer; ask again, or ask for less.")
        if self._opening.lstrip().startswith(SENTINEL):
            return [Text(NOT_FOUND), Finished(found=False)]
        if not self._is_open:
            raise AnswerWasCut("The model answered nothing; ask again.")
        return [*self._pieces(self._screen.finish()), Finished(found=True)]

    def _pieces(self, shown: Iterable[str | int]) -> list[Piece]:
        return [piece for item in shown if (piece := self._piece(item)) is not None]

    def _piece(self, item: str | int) -> Piece | None:
        if isinstance(item, str):
            return Text(item)
        if item in self._cited:
            return None
        self._cited.add(item)
        hit = self._hits[item - 1]
        return Cited(item, hit, hit.start, hit.end)


def _choice(chunk: Any) -> Any:
    choices = getattr(chunk, "choices", None)
    return choices[0] if choices else None


def _text(chunk: Any) -> str:
    """A chunk's text; servers send chunks without choices, without a delta, and with null in its place."""
    return getattr(getattr(_choice(chunk), "delta", None), "content", None) or ""


def _finish_reason(chunk: Any) -> str | None:
    reason: str | None = getattr(_choice(chunk), "finish_reason", None)
    return reason
