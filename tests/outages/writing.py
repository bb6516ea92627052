"""Writes of auth, content and feed by keys: sent again until they are taken, each has one effect."""

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

import httpx2
from world import PASSWORD

from .promises import Ask
from .school import CONTENT, School
from .sending import Sender


@dataclass
class Attempts:
    """When each attempt at the quiz was answered for the first time, by its id."""

    answered: dict[str, float] = field(default_factory=dict)
    #: Those of other loads.
    earlier: set[str] = field(default_factory=set)

    async def take(self, sender: Sender, client: httpx2.AsyncClient, ask: Ask, **sent: Any) -> None:
        """Hand the quiz in, once."""
        heard = await sender.write(client, ask, json={"answers": sender.school.answers}, **sent)
        if heard is not None:
            self.answered.setdefault(heard.told["id"], time.monotonic())


def take_quiz(school: School, name: str = "take quiz", who: str = "learner") -> Ask:
    return Ask(name, "content", "POST", f"{CONTENT}/quizzes/{school.quiz_id}/attempts", who)


class Writes:
    """Log-ins, quizzes, roles and a webhook."""

    def __init__(self, school: School, taken: Attempts) -> None:
        roles = f"/api/v1/auth/organizations/{school.owner.organization_id}/roles"
        self._taken = taken
        self._log_in_ask = Ask("log in", "auth", "POST", "/api/v1/auth/login", pause=3)
        self._make_role = Ask("make role", "auth", "POST", roles, "owner", pause=1.5)
        self._delete_role = Ask("delete role", "auth", "DELETE", f"{roles}/{{name}}", "owner")
        self._quiz = take_quiz(school)
        webhook = f"/api/v1/feed/webhooks/{school.webhook_id}"
        self._webhook = Ask("change webhook", "feed", "PATCH", webhook, "owner", pause=1.5)
        self.asks = [self._log_in_ask, self._make_role, self._delete_role, self._quiz, self._webhook]

    async def run(self, sender: Sender) -> None:
        clients = (self._log_in, self._take_quizzes, self._make_roles, self._change_webhook)
        await asyncio.gather(*(client(sender) for client in clients))

    async def wrong_afterwards(self, sender: Sender) -> list[str]:
        kept = await kept_attempts(sender.school) - self._taken.earlier
        answered = self._taken.answered
        return [f"{len(answered)} attempts were answered, and {len(kept)} are there"] if kept != answered.keys() else []

    async def _log_in(self, sender: Sender) -> None:
        async with sender.client() as client:
            while not sender.is_over:
                body = {"email": sender.school.learner.email, "password": PASSWORD}
                await sender.send(client, self._log_in_ask, json=body)
                await sender.pause(self._log_in_ask.pause)

    async def _take_quizzes(self, sender: Sender) -> None:
        async with sender.client() as client:
            while not sender.is_over:
                await self._taken.take(sender, client, self._quiz)
                await sender.pause(self._quiz.pause)

    async def _make_roles(self, sender: Sender) -> None:
        """A role that is made twice, or deleted twice, refuses: so each is done once."""
        async with sender.client() as client:
            while not sender.is_over:
                name = f"r-{secrets.token_hex(4)}"
                wanted = {"name": name, "description": "For tests", "permissions": ["course:read"]}
                await sender.write(client, self._make_role, json=wanted)
                await sender.write(client, self._delete_role, name=name)
                await sender.pause(self._make_role.pause)

    async def _change_webhook(self, sender: Sender) -> None:
        async with sender.client() as client:
            while not sender.is_over:
                wanted = secrets.token_hex(4)
                heard = await sender.write(client, self._webhook, json={"description": wanted})
                if heard is not None and heard.told["description"] != wanted:
                    sender.broken.append(f"a webhook is described {heard.told['description']} and not {wanted}")
                await sender.pause(self._webhook.pause)


async def kept_attempts(school: School) -> set[str]:
    """What the service has, page by page."""
    found: set[str] = set()
    path: str | None = f"{CONTENT}/quizzes/{school.quiz_id}/attempts?limit=200"
    async with httpx2.AsyncClient(base_url=school.gateway, timeout=30) as client:
        while path:
            page = (await client.get(path, headers=school.headers("learner"))).json()
            found |= {item["id"] for item in page["items"]}
            path = f"{path.partition('&')[0]}&after={page['next']}" if page["next"] else None
    return found
