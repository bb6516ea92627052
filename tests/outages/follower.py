"""A client of `/api/v1/stream` that stays, comes back by `Last-Event-ID`, and keeps what it was told."""

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2

from .school import School

#: The server sends a comment each 15 s where there is nothing else.
LONGEST_SILENCE_SECONDS = 30.0
GRADED = "stoa.content.attempt.graded.v1"


@dataclass
class Follower:
    """Hears what concerns the learner."""

    school: School
    #: How often each attempt was told.
    attempts: Counter[str] = field(default_factory=Counter)
    resets: list[float] = field(default_factory=list)
    openings: int = 0
    comments: int = 0
    longest_silence: float = 0.0
    broken: list[str] = field(default_factory=list)
    _place: str = ""
    _heard_at: float = field(default_factory=time.monotonic)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._follow()
            except (TimeoutError, httpx2.HTTPError) as error:
                self.broken.append(f"the stream ended by {type(error).__name__}")
            await asyncio.sleep(1)

    def untold(self, made: Mapping[str, float], *, before: float | None = None) -> list[str]:
        """Which attempts it was not told of, made until then, with no `reset` after them."""
        last = self.resets[-1] if self.resets else 0.0
        until = time.monotonic() if before is None else before
        return [name for name, at in made.items() if last < at < until and not self.attempts[name]]

    async def _follow(self) -> None:
        headers = self.school.headers("learner") | ({"Last-Event-ID": self._place} if self._place else {})
        client = httpx2.AsyncClient(base_url=self.school.gateway, timeout=httpx2.Timeout(LONGEST_SILENCE_SECONDS))
        async with client, client.stream("GET", "/api/v1/stream", headers=headers) as answer:
            if answer.status_code != 200:
                self._note_refusal(answer)
                return
            self.openings += 1
            event: dict[str, str] = {}
            async for line in answer.aiter_lines():
                self._hear()
                event = self._take(line, event)

    def _note_refusal(self, answer: httpx2.Response) -> None:
        if answer.status_code != 503 or "Retry-After" not in answer.headers:
            self.broken.append(f"the stream was refused with {answer.status_code}")

    def _hear(self) -> None:
        now = time.monotonic()
        self.longest_silence = max(self.longest_silence, now - self._heard_at)
        self._heard_at = now

    def _take(self, line: str, event: dict[str, str]) -> dict[str, str]:
        if line:
            name, _, value = line.partition(":")
            self.comments += name == ""
            return event | {name: value.strip()}
        self._place = event.get("id") or self._place
        if event.get("event") == "reset":
            self.resets.append(time.monotonic())
        if event.get("event") == GRADED:
            self.attempts[json.loads(event["data"])["data"]["attempt_id"]] += 1
        return {}


@asynccontextmanager
async def following(follower: Follower) -> AsyncIterator[None]:
    """It follows meanwhile; a bug of its own is raised."""
    task = asyncio.create_task(follower.run())
    try:
        yield
        task.cancel()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
