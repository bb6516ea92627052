"""A steady load through the gateway: reads and writes of every service, each by a client of its own."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from world import PASSWORD

from .promises import MARGIN_SECONDS, NO_ANSWER, Answer, Ask
from .school import School

PROBLEM = "urn:stoa:problem:"
LONGEST_WRITE_SECONDS = 120.0


class Load:
    """Asks until it is stopped; keeps every answer, and what each write by key has made."""

    def __init__(self, school: School) -> None:
        self.school = school
        self.answers: list[Answer] = []
        #: When each attempt was answered for the first time, by its id.
        self.attempts: dict[str, float] = {}
        self.broken: list[str] = []
        self._is_over = asyncio.Event()
        self._reads, self._writes = reads(school), writes(school)

    @property
    def asks(self) -> list[Ask]:
        return [*self._reads, *self._writes.values()]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Asked meanwhile; every write is brought to its end afterwards."""
        clients = [*(self._read(ask) for ask in self._reads), self._log_in(), self._take_quizzes(), self._make_roles()]
        tasks = [asyncio.create_task(client) for client in [*clients, self._change_webhook()]]
        try:
            yield
        finally:
            self._is_over.set()
            await asyncio.gather(*tasks)

    async def _read(self, ask: Ask) -> None:
        async with self._client() as client:
            while not self._is_over.is_set():
                await self._send(client, ask)
                await self._pause(ask)

    async def _log_in(self) -> None:
        ask = self._writes["log in"]
        async with self._client() as client:
            while not self._is_over.is_set():
                await self._send(client, ask, json={"email": self.school.learner.email, "password": PASSWORD})
                await self._pause(ask)

    async def _take_quizzes(self) -> None:
        ask = self._writes["take quiz"]
        async with self._client() as client:
            while not self._is_over.is_set():
                made = await self._write(client, ask, json={"answers": self.school.answers})
                if made is not None:
                    self.attempts.setdefault(made["id"], time.monotonic())
                await self._pause(ask)

    async def _make_roles(self) -> None:
        """A role that is made twice, or deleted twice, refuses: so each is done once."""
        make, delete = self._writes["make role"], self._writes["delete role"]
        async with self._client() as client:
            while not self._is_over.is_set():
                name = f"r-{secrets.token_hex(4)}"
                wanted = {"name": name, "description": "For tests", "permissions": ["course:read"]}
                await self._write(client, make, json=wanted)
                await self._write(client, delete, name=name)
                await self._pause(make)

    async def _change_webhook(self) -> None:
        ask = self._writes["change webhook"]
        async with self._client() as client:
            while not self._is_over.is_set():
                wanted = secrets.token_hex(4)
                told = await self._write(client, ask, json={"description": wanted})
                if told is not None and told["description"] != wanted:
                    self.broken.append(f"a webhook is described {told['description']} and not {wanted}")
                await self._pause(ask)

    async def _write(self, client: httpx2.AsyncClient, ask: Ask, *, name: str = "", **body: Any) -> Any:
        """Sent with one key until it is taken; what the first answer that took it says."""
        key, until = secrets.token_hex(8), time.monotonic() + LONGEST_WRITE_SECONDS
        while True:
            answer, told = await self._send(client, ask, name=name, headers={"Idempotency-Key": key}, **body)
            if answer.is_fine:
                return told
            if time.monotonic() > until or 400 <= answer.status < 500:
                self.broken.append(f"{answer}: a write was not taken")
                return None
            await asyncio.sleep(min(float(answer.retry_after or 0.5), 2.0))

    async def _send(
        self,
        client: httpx2.AsyncClient,
        ask: Ask,
        *,
        name: str = "",
        headers: dict[str, str] | None = None,
        **body: Any,
    ) -> tuple[Answer, Any]:
        sent = {**self.school.headers(ask.who), **(headers or {})}
        began = time.monotonic()
        asking = client.request(ask.method, ask.path.replace("{name}", name), headers=sent, **body)
        answer, told = await _outcome(asking, ask, began)
        self.answers.append(answer)
        return answer, told

    async def _pause(self, ask: Ask) -> None:
        try:
            await asyncio.wait_for(self._is_over.wait(), ask.pause)
        except TimeoutError:
            return

    def _client(self) -> httpx2.AsyncClient:
        # The bound of each request is its own; this library sends nothing twice by itself.
        return httpx2.AsyncClient(base_url=self.school.gateway, timeout=None)


async def _outcome(asking: Awaitable[httpx2.Response], ask: Ask, began: float) -> tuple[Answer, Any]:
    try:
        async with asyncio.timeout(ask.seconds + MARGIN_SECONDS):
            answer = await asking
    except (TimeoutError, httpx2.HTTPError) as error:
        return Answer(ask, began, time.monotonic() - began, NO_ANSWER, type(error).__name__), None
    is_json = "json" in answer.headers.get("Content-Type", "")
    told = answer.json() if is_json and answer.content else None
    return _read(answer, told, ask, began), told


def _read(answer: httpx2.Response, told: Any, ask: Ask, began: float) -> Answer:
    is_problem = answer.headers.get("Content-Type", "").startswith("application/problem+json")
    name = str(told["type"]).removeprefix(PROBLEM) if is_problem else ""
    retry_after = answer.headers.get("Retry-After", "")
    is_local = "stoa-local" in answer.headers.get("RateLimit-Policy", "")
    return Answer(ask, began, time.monotonic() - began, answer.status_code, name, retry_after, is_local)


def reads(school: School) -> list[Ask]:
    course, organization = school.course_id, school.owner.organization_id
    return [
        Ask("me", "auth", "GET", "/api/v1/auth/me", "learner"),
        Ask("sessions", "auth", "GET", "/api/v1/auth/sessions", "owner"),
        Ask("keys", "auth", "GET", "/.well-known/jwks.json"),
        Ask("courses", "content", "GET", "/api/v1/content/courses", "learner", pause=0.4),
        Ask("course", "content", "GET", f"/api/v1/content/courses/{course}", "owner", pause=0.4),
        Ask("public catalog", "content", "GET", f"/api/v1/content/public/{organization}", pause=0.4),
        Ask("course of the tutor", "ai", "GET", f"/api/v1/ai/courses/{course}", "learner"),
        Ask("dashboard", "analytics", "GET", f"/api/v1/analytics/courses/{course}", "owner"),
        Ask("events", "feed", "GET", "/api/v1/feed/events?limit=5", "owner"),
        Ask("webhooks", "feed", "GET", "/api/v1/feed/webhooks", "owner"),
    ]


def writes(school: School) -> dict[str, Ask]:
    roles = f"/api/v1/auth/organizations/{school.owner.organization_id}/roles"
    listed = [
        Ask("log in", "auth", "POST", "/api/v1/auth/login", seconds=15, pause=3),
        Ask("make role", "auth", "POST", roles, "owner", pause=1.5),
        Ask("delete role", "auth", "DELETE", f"{roles}/{{name}}", "owner"),
        Ask("take quiz", "content", "POST", f"/api/v1/content/quizzes/{school.quiz_id}/attempts", "learner"),
        Ask("change webhook", "feed", "PATCH", f"/api/v1/feed/webhooks/{school.webhook_id}", "owner", pause=1.5),
    ]
    return {ask.name: ask for ask in listed}
