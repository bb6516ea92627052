"""Sends requests through the gateway and keeps every answer; a write is sent by its key until it is taken."""

import asyncio
import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx2

from .promises import CUT, HALF, MARGIN_SECONDS, NO_ANSWER, STILL_COUNTS, Answer, Ask
from .school import School

PROBLEM = "urn:stoa:problem:"
LONGEST_WRITE_SECONDS = 120.0
_ERROR_EVENT = re.compile(r"^event: error\r?\ndata: (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Heard:
    """An answer, and what it says: `told` where that is JSON."""

    answer: Answer
    text: str = ""
    told: Any = None
    #: What the answer wants to be kept as cookies, as it says it.
    cookies: tuple[str, ...] = ()


class Sender:
    """For all clients of a load: what they ask of whom, and what came of it."""

    def __init__(self, school: School) -> None:
        self.school = school
        self.answers: list[Answer] = []
        self.broken: list[str] = []
        self._is_over = asyncio.Event()

    @property
    def is_over(self) -> bool:
        return self._is_over.is_set()

    def end(self) -> None:
        """Whoever pauses goes on, and begins nothing new."""
        self._is_over.set()

    async def pause(self, seconds: float) -> None:
        """Or until it is over."""
        try:
            await asyncio.wait_for(self._is_over.wait(), seconds)
        except TimeoutError:
            return

    def client(self) -> httpx2.AsyncClient:
        # The bound of each request is its own; this library sends nothing twice by itself.
        return httpx2.AsyncClient(base_url=self.school.gateway, timeout=None)

    async def send(
        self,
        client: httpx2.AsyncClient,
        ask: Ask,
        *,
        name: str = "",
        headers: Mapping[str, str] | None = None,
        credential_ended: float | None = None,
        **body: Any,
    ) -> Heard:
        """Once; `name` takes the place of {name} in the path. What it shows may have been ended at some time."""
        sent = {**self.school.headers(ask.who), **(headers or {})}
        began = time.monotonic()
        try:
            async with asyncio.timeout(ask.seconds + MARGIN_SECONDS):
                path = ask.path.replace("{name}", name)
                async with client.stream(ask.method, path, headers=sent, **body) as answer:
                    heard = await _heard(answer, ask, began)
        except (TimeoutError, httpx2.HTTPError) as error:
            heard = Heard(Answer(ask, began, time.monotonic() - began, NO_ANSWER, type(error).__name__))
        if credential_ended is not None:
            heard = _by_what_was_ended(heard, credential_ended)
        self.answers.append(heard.answer)
        return heard

    async def write(self, client: httpx2.AsyncClient, ask: Ask, **sent: Any) -> Heard | None:
        """With one key until it is taken; what the first answer that took it says."""
        key, until = secrets.token_hex(8), time.monotonic() + LONGEST_WRITE_SECONDS
        headers = {"Idempotency-Key": key, **sent.pop("headers", {})}
        while True:
            heard = await self.send(client, ask, headers=headers, **sent)
            if heard.answer.is_fine:
                return heard
            if not await self.may_repeat(heard.answer, until=until):
                return None

    async def may_repeat(self, answer: Answer, *, until: float) -> bool:
        """Waits as long as it was told to; what no repetition mends is a broken promise."""
        if time.monotonic() > until or 400 <= answer.status < 500:
            self.broken.append(f"{answer}: a write was not taken")
            return False
        await asyncio.sleep(min(float(answer.retry_after or 0.5), 2.0))
        return True


async def _heard(answer: httpx2.Response, ask: Ask, began: float) -> Heard:
    try:
        content = await answer.aread()
    except httpx2.HTTPError:
        return Heard(Answer(ask, began, time.monotonic() - began, answer.status_code, CUT))
    return heard(ask, began, answer.status_code, answer.headers, content, tuple(answer.headers.get_list("set-cookie")))


def _by_what_was_ended(heard: Heard, at: float) -> Heard:
    told = STILL_COUNTS if 200 <= heard.answer.status < 300 else heard.answer.told
    return replace(heard, answer=replace(heard.answer, told=told, credential_ended=at))


def heard(
    ask: Ask, began: float, status: int, headers: Mapping[str, str], content: bytes, cookies: tuple[str, ...] = ()
) -> Heard:
    """What a whole answer says."""
    kind, text = headers.get("Content-Type", ""), content.decode(errors="replace")
    told = json.loads(text) if "json" in kind and text else None
    name = _problem(kind, told, status) or _stream_problem(ask, text, status)
    is_local = "stoa-local" in headers.get("RateLimit-Policy", "")
    seconds, retry_after = time.monotonic() - began, headers.get("Retry-After", "")
    return Heard(Answer(ask, began, seconds, status, name, retry_after, is_local), text, told, cookies)


def _problem(kind: str, told: Any, status: int) -> str:
    if kind.startswith("application/problem+json"):
        return str(told["type"]).removeprefix(PROBLEM)
    return "page" if kind.startswith("text/html") and status >= 400 else ""


def _stream_problem(ask: Ask, text: str, status: int) -> str:
    """How a stream ended, where it did not end well."""
    if not ask.last_events or status != 200:
        return ""
    if error := _ERROR_EVENT.search(text):
        return str(json.loads(error[1])["type"]).removeprefix(PROBLEM)
    return "" if any(last in text for last in ask.last_events) else HALF
