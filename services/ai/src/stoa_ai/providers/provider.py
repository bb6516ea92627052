"""Any server that speaks OpenAI's Chat Completions: the only module that knows their client.

Retries are ours to decide (none yet: the client's own would be billed twice); silence is cut by our own deadlines.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Collection
from contextlib import aclosing
from dataclasses import dataclass
from json import JSONDecodeError
from time import monotonic
from typing import Any, Final, TypeVar

import openai

from stoa_ai.passages.service import Hit, estimate_tokens
from stoa_ai.providers import prompts
from stoa_ai.providers.domain import (
    NOT_FOUND,
    AnswerWasCut,
    Cited,
    Finished,
    Piece,
    Provider,
    ProviderFailed,
    ProviderIsBusy,
    ProviderTimedOut,
    Question,
    Text,
    Used,
)
from stoa_ai.providers.screen import Screen

T = TypeVar("T")
PROMPT: Final = "ask@1"
SENTINEL: Final = "NOT_FOUND"
#: Our count is of words; tokenizers of the large models find up to this much more.
ESTIMATE_MARGIN: Final = 1.15


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a server may be silent, and how long an answer may take in all."""

    stall_seconds: float = 30
    total_seconds: float = 120


class OpenAIProvider(Provider):
    generated_by = "model"

    def __init__(
        self,
        *,
        base_url: str | None,
        api_key: str,
        model: str,
        deadlines: Deadlines,
        max_output_tokens: int = 800,
        allowed_hosts: Collection[str] = (),
    ) -> None:
        self.model = model
        self._instructions = prompts.load(PROMPT)
        self.prompt = self._instructions.name
        self._deadlines = deadlines
        self._max_output_tokens = max_output_tokens
        self._allowed_hosts = allowed_hosts
        self._client = openai.AsyncOpenAI(
            base_url=base_url, api_key=api_key, max_retries=0, http_client=openai.DefaultAioHttpClient()
        )

    async def close(self) -> None:
        await self._client.close()

    async def answer(self, question: Question) -> AsyncGenerator[Piece, None]:
        hits = question.retrieved.hits
        if not hits:
            # Nothing to rest an answer on: asking would cost money for the same words.
            yield Text(NOT_FOUND)
            yield Finished(found=False)
            return
        meter = _Meter(self._messages(question))
        reading = _Reading(Screen(passages=len(hits), allowed_hosts=self._allowed_hosts), hits)
        async with aclosing(self._chunks(meter)) as chunks:
            async for chunk in chunks:
                meter.count(chunk)
                for piece in reading.read(chunk):
                    yield piece
                yield meter.used
        for piece in reading.end():
            yield piece

    def _messages(self, question: Question) -> list[dict[str, str]]:
        # A text can't close a fence that it could not know.
        marker = secrets.token_hex(12)
        numbered = (f"[{n}] {_titles(hit)}\n{hit.text}" for n, hit in enumerate(question.retrieved.hits, start=1))
        passages = "\n\n".join(numbered)
        content = f"Passages:\n{marker}\n{passages}\n{marker}\n\nQuestion:\n{marker}\n{question.text}\n{marker}"
        system = self._instructions.fill(marker=marker)
        return [{"role": "system", "content": system}, {"role": "user", "content": content}]

    async def _chunks(self, meter: "_Meter") -> AsyncGenerator[Any, None]:
        """The server's chunks, its failures as ours, no wait longer than the deadlines."""
        ends_at = monotonic() + self._deadlines.total_seconds
        try:
            stream = await self._within(ends_at, self._request(meter.messages))
            async with stream:
                chunks = aiter(stream)
                while (chunk := await self._within(ends_at, _next(chunks))) is not None:
                    yield chunk
        except TimeoutError as error:
            raise ProviderTimedOut("The model took too long; ask again in a moment.") from error
        except openai.APITimeoutError as error:
            raise ProviderTimedOut("The model took too long; ask again in a moment.") from error
        except openai.RateLimitError as error:
            raise ProviderIsBusy("The model has no room for more questions now; ask again in a minute.") from error
        except (openai.OpenAIError, JSONDecodeError) as error:
            raise ProviderFailed("The model could not answer; ask again, or tell whoever runs it.") from error

    def _request(self, messages: list[dict[str, str]]) -> Awaitable[Any]:
        return self._client.chat.completions.create(
            model=self.model,
            messages=messages,  # type: ignore[arg-type]  # the roles are literals of theirs
            stream=True,
            stream_options={"include_usage": True},
            max_completion_tokens=self._max_output_tokens,
        )

    async def _within(self, ends_at: float, work: Awaitable[T]) -> T:
        return await asyncio.wait_for(work, min(self._deadlines.stall_seconds, ends_at - monotonic()))


async def _next(chunks: AsyncIterator[Any]) -> Any:
    return await anext(chunks, None)


def _titles(hit: Hit) -> str:
    return " › ".join(filter(None, [hit.lesson, hit.heading]))


class _Meter:
    """What a call uses: the server's count wherever it sends one, else our estimate."""

    def __init__(self, messages: list[dict[str, str]]) -> None:
        self.messages = messages
        self._read = estimate_tokens("\n".join(message["content"] for message in messages))
        self._written = 0
        self._told: Used | None = None

    def count(self, chunk: Any) -> None:
        self._written += estimate_tokens(_text(chunk))
        usage = getattr(chunk, "usage", None)
        # Some servers count in every chunk, cumulatively; the last count is the whole.
        if usage is not None and usage.prompt_tokens is not None:
            self._told = Used(usage.prompt_tokens, usage.completion_tokens or 0, "provider")

    @property
    def used(self) -> Used:
        return self._told or Used(
            round(self._read * ESTIMATE_MARGIN), round(self._written * ESTIMATE_MARGIN), "estimate"
        )


class _Reading:
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
            opening = self._opening.lstrip()
            if SENTINEL.startswith(opening[: len(SENTINEL)]):
                return []
            self._is_open, text = True, opening
        return self._pieces(self._screen.feed(text))

    def end(self) -> list[Piece]:
        """Raises AnswerWasCut for an answer that is empty or was not finished."""
        if self._finish_reason != "stop":
            raise AnswerWasCut("The model stopped in the middle of its answer; ask again, or ask for less.")
        if self._opening.strip().startswith(SENTINEL):
            return [Text(NOT_FOUND), Finished(found=False)]
        if not self._is_open:
            raise AnswerWasCut("The model answered nothing; ask again.")
        return [*self._pieces(self._screen.finish()), Finished(found=True)]

    def _pieces(self, shown: Any) -> list[Piece]:
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
