"""Any server that speaks OpenAI's Chat Completions: the only module that knows their client.

Retries are ours to decide (none yet: the client's own would be billed twice); silence is cut by our own deadlines.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from json import JSONDecodeError
from time import monotonic
from typing import Any, Final, TypeVar

import openai
from openai.types.chat import ChatCompletionMessageParam

from stoa_ai.passages.service import Hit
from stoa_ai.providers import prompts
from stoa_ai.providers.domain import (
    NOT_FOUND,
    Finished,
    Piece,
    Provider,
    ProviderFailed,
    ProviderIsBusy,
    ProviderTimedOut,
    Question,
    Text,
)
from stoa_ai.providers.reading import Meter, Reading
from stoa_ai.providers.screen import Screen

T = TypeVar("T")
PROMPT: Final = "ask@1"


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
        max_output_tokens: int = 2000,
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
        content, system = self._prompt(question)
        meter = Meter(system + content)
        reading = Reading(Screen(passages=len(hits), allowed_hosts=self._allowed_hosts), hits)
        ends_at = monotonic() + self._deadlines.total_seconds
        with _our_failures():
            async with await self._within(ends_at, self._request(content, system)) as stream:
                yield meter.used
                chunks = aiter(stream)
                while (chunk := await self._within(ends_at, anext(chunks, None))) is not None:
                    meter.count(chunk)
                    for piece in (*reading.read(chunk), meter.used):
                        yield piece
        for piece in reading.end():
            yield piece

    def _prompt(self, question: Question) -> tuple[str, str]:
        """What the learner and the course say, fenced; and our instructions."""
        # A text can't close a fence that it could not know.
        marker = secrets.token_hex(12)
        numbered = (f"[{n}] {_titles(hit)}\n{hit.text}" for n, hit in enumerate(question.retrieved.hits, start=1))
        passages = "\n\n".join(numbered)
        content = f"Passages:\n{marker}\n{passages}\n{marker}\n\nQuestion:\n{marker}\n{question.text}\n{marker}"
        return content, self._instructions.fill(marker=marker)

    def _request(self, content: str, system: str) -> Awaitable[Any]:
        messages: list[ChatCompletionMessageParam] = [
            {"role": "system", "content": system},
            {"role": "user", "content": content},
        ]
        return self._client.chat.completions.create(
            model=self.model,
            messages=messages,
            stream=True,
            stream_options={"include_usage": True},
            max_completion_tokens=self._max_output_tokens,
        )

    async def _within(self, ends_at: float, work: Awaitable[T]) -> T:
        return await asyncio.wait_for(work, min(self._deadlines.stall_seconds, ends_at - monotonic()))


def _titles(hit: Hit) -> str:
    return " › ".join(filter(None, [hit.lesson, hit.heading]))


@contextmanager
def _our_failures() -> Iterator[None]:
    """The client's exceptions as refusals; what the server said stays in the log's traceback."""
    try:
        yield
    # Ours alone: to the client over aiohttp, a refused connection is a time-out too.
    except TimeoutError as error:
        raise ProviderTimedOut("The model took too long; ask again in a moment.") from error
    except openai.RateLimitError as error:
        raise ProviderIsBusy("The model has no room for more questions now; ask again in a minute.") from error
    except (openai.OpenAIError, JSONDecodeError) as error:
        raise ProviderFailed("The model could not answer; ask again, or tell whoever runs it.") from error
