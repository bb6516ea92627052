"""API keys and browsers' cookies: made, used, ended, and then worth nothing, whatever is away.

The gateway trades each at auth for a token of a minute. So one that it knows opens other services while auth is away,
and one that was ended opens nothing after a second.
"""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from http.cookies import SimpleCookie
from typing import Protocol

import httpx2
from world import PASSWORD

from .promises import ENDED_MARGIN_SECONDS, ENDED_SECONDS, Ask
from .school import CONTENT, School
from .sending import Heard, Sender
from .writing import Attempts, take_quiz

KEYS, PAGES = "/api/v1/auth/api-keys", "/api/v1/auth/pages"
#: For how long one is used: far below the minute for which the gateway knows it, and as long as a pause of auth.
USED_SECONDS = {"key": 6.0, "cookie": 14.0}
#: How often one is tried that was ended.
TRIES = 3
_HIDDEN = re.compile(r'<input type="hidden" name="([a-z]+)" value="([^"]*)">')


class Credential(Protocol):
    """A kind of credential, in the hands of one client."""

    name: str

    def __init__(self, sender: Sender, client: httpx2.AsyncClient) -> None: ...

    async def make(self) -> dict[str, str] | None:
        """The headers by which it is shown; None where it could not be made."""
        ...

    async def end(self) -> bool:
        """Whether it was ended for good."""
        ...


class ApiKey:
    """Of the author, for reading courses and taking quizzes."""

    name = "key"
    make_ask = Ask("make key", "auth", "POST", KEYS, "owner", is_awaited=False)
    end_ask = Ask("revoke key", "auth", "DELETE", f"{KEYS}/{{name}}", "owner", is_awaited=False)

    def __init__(self, sender: Sender, client: httpx2.AsyncClient) -> None:
        self._sender, self._client = sender, client
        self._id = ""

    async def make(self) -> dict[str, str] | None:
        heard = await self._sender.write(
            self._client, self.make_ask, json={"name": "A test", "scopes": ["course:read"]}
        )
        if heard is None:
            return None
        self._id = heard.told["id"]
        return {"X-API-Key": heard.told["key"]}

    async def end(self) -> bool:
        return await self._sender.write(self._client, self.end_ask, name=self._id) is not None


class Cookie:
    """Of the learner, who logs in and out by auth's pages."""

    name = "cookie"
    form_ask = Ask("form", "auth", "GET", f"{PAGES}/{{name}}", is_awaited=False)
    log_in_ask = Ask("log in by page", "auth", "POST", f"{PAGES}/log-in", wants=303, is_awaited=False)
    session_ask = Ask("browser session", "auth", "GET", "/api/v1/auth/browser-session", is_awaited=False)
    end_ask = Ask("log out by page", "auth", "POST", f"{PAGES}/log-out", is_awaited=False)

    def __init__(self, sender: Sender, client: httpx2.AsyncClient) -> None:
        self._sender, self._client = sender, client
        self._cookies: dict[str, str] = {}

    async def make(self) -> dict[str, str] | None:
        fields = {"email": self._sender.school.learner.email, "password": PASSWORD}
        if await self._submit(self.log_in_ask, "log-in", fields) is None:
            return None
        heard = await self._sender.write(self._client, self.session_ask, headers=self._headers())
        return None if heard is None else self._headers() | {"X-CSRF-Token": heard.told["csrf_token"]}

    async def end(self) -> bool:
        return await self._submit(self.end_ask, "log-out", {}) is not None

    async def _submit(self, ask: Ask, page: str, fields: Mapping[str, str]) -> Heard | None:
        """A form as a browser sends it: asked for anew each time."""
        form = await self._sender.write(self._client, self.form_ask, name=page, headers=self._headers())
        if form is None:
            return None
        self._keep(form)
        sent = dict(_HIDDEN.findall(form.text)) | dict(fields)
        heard = await self._sender.write(self._client, ask, data=sent, headers=self._headers())
        if heard is not None:
            self._keep(heard)
        return heard

    def _headers(self) -> dict[str, str]:
        shown = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        return {"Cookie": shown, "Origin": self._sender.school.gateway, "Accept-Language": "en"}

    def _keep(self, heard: Heard) -> None:
        for line in heard.cookies:
            self._cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        self._cookies = {name: value for name, value in self._cookies.items() if value}


class Credentials:
    """One of each kind after the other."""

    def __init__(self, school: School, taken: Attempts) -> None:
        course = f"{CONTENT}/courses/{school.course_id}"
        self._taken = taken
        self._uses = {
            kind.name: Ask(f"course by {kind.name}", "content", "GET", course, pause=1.0) for kind in (ApiKey, Cookie)
        }
        self._quiz = take_quiz(school, "take quiz by cookie", "")

    @property
    def asks(self) -> list[Ask]:
        made = [ApiKey.make_ask, ApiKey.end_ask, Cookie.log_in_ask, Cookie.session_ask, Cookie.end_ask]
        return [*self._uses.values(), self._quiz, *made, Cookie.form_ask]

    async def run(self, sender: Sender) -> None:
        await asyncio.gather(self._repeat(sender, ApiKey), self._repeat(sender, Cookie))

    async def wrong_afterwards(self, sender: Sender) -> list[str]:
        return []

    async def _repeat(self, sender: Sender, kind: type[Credential]) -> None:
        async with sender.client() as client:
            while not sender.is_over:
                held = kind(sender, client)
                shown = await held.make()
                if shown is not None:
                    await self._use(sender, client, kind.name, shown)
                    if await held.end() and not sender.is_over:
                        await self._try_what_was_ended(sender, client, kind.name, shown)

    async def _use(self, sender: Sender, client: httpx2.AsyncClient, name: str, shown: dict[str, str]) -> None:
        """Nobody knows it until auth was asked once; afterwards auth may be away."""
        use, until = self._uses[name], time.monotonic() + USED_SECONDS[name]
        await sender.write(client, replace(use, also=frozenset({"auth"})), headers=shown)
        while time.monotonic() < until and not sender.is_over:
            if name == Cookie.name:
                await self._taken.take(sender, client, self._quiz, headers=shown)
            await sender.send(client, use, headers=shown)
            await sender.pause(use.pause)

    async def _try_what_was_ended(
        self, sender: Sender, client: httpx2.AsyncClient, name: str, shown: dict[str, str]
    ) -> None:
        ended = time.monotonic()
        ask = replace(self._uses[name], name=f"course by ended {name}", also=frozenset({"auth"}), wants=401)
        await asyncio.sleep(ENDED_SECONDS + ENDED_MARGIN_SECONDS)
        for _ in range(TRIES):
            await sender.send(client, ask, headers=shown, credential_ended=ended)
            await sender.pause(ask.pause)
