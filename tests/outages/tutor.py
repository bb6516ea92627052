"""Questions whose answers a model writes a word at a time: to the tutor, and through `/v1` as OpenAI's clients ask."""

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

from .model_server import MODEL
from .parts import MODELS
from .promises import ANSWER_SECONDS, Ask
from .school import School
from .sending import Sender

QUESTION = "What does an outbox keep?"


class Tutor:
    """Each question goes to the model once at most: its answers are paid for."""

    def __init__(self, school: School) -> None:
        self._school = school
        model = frozenset({MODELS})
        self._ask = Ask(
            *("ask the tutor", "ai", "POST", "/api/v1/ai/ask", "learner", 2 * ANSWER_SECONDS),
            also=model,
            last_events=("event: done",),
        )
        self._chat = Ask(
            *("chat at /v1", MODELS, "POST", "/v1/chat/completions", "learner", 2 * ANSWER_SECONDS),
            last_events=("data: [DONE]",),
        )
        self._list = Ask("models at /v1", MODELS, "GET", "/v1/models", "learner")
        self._marks: list[str] = []

    @property
    def asks(self) -> list[Ask]:
        return [self._ask, self._chat, self._list]

    async def run(self, sender: Sender) -> None:
        await asyncio.gather(self._ask_tutor(sender), self._use_v1(sender))

    async def wrong_afterwards(self, sender: Sender) -> list[str]:
        asked = self._school.models.asked()
        often = [mark for mark in self._marks if asked[mark] > 1]
        return [f"{len(often)} of {len(self._marks)} questions went to the model more than once"] if often else []

    async def _ask_tutor(self, sender: Sender) -> None:
        async with sender.client() as client:
            while not sender.is_over:
                body = {"course_id": self._school.course_id, "question": self._question()}
                # It is a stream, so the key is kept by nobody, and makes nobody ask again.
                headers = {"Accept": "text/event-stream", "Idempotency-Key": secrets.token_hex(8)}
                heard = await sender.send(client, self._ask, json=body, headers=headers)
                if heard.answer.is_fine and "event: citation" not in heard.text:
                    sender.broken.append(f"{heard.answer}: the tutor cites nothing: {heard.text[:200]}")
                await sender.pause(self._ask.pause)

    async def _use_v1(self, sender: Sender) -> None:
        async with sender.client() as client:
            while not sender.is_over:
                await sender.send(client, self._chat, json=self._chatted())
                await sender.send(client, self._list)
                await sender.pause(self._chat.pause)

    def _chatted(self) -> Mapping[str, Any]:
        return {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": self._question()}]}

    def _question(self) -> str:
        self._marks.append(f"q-{secrets.token_hex(8)}")
        return f"{QUESTION} {self._marks[-1]}"
