"""Reads of every service by a token, each by a client of its own."""

import asyncio

from .promises import Ask
from .school import School
from .sending import Sender


class Reads:
    """What a learner and an author look at."""

    def __init__(self, school: School) -> None:
        course = school.course_id
        self.asks = [
            Ask("me", "auth", "GET", "/api/v1/auth/me", "learner"),
            Ask("sessions", "auth", "GET", "/api/v1/auth/sessions", "owner"),
            Ask("keys", "auth", "GET", "/.well-known/jwks.json"),
            Ask("courses", "content", "GET", "/api/v1/content/courses?limit=5", "learner", pause=0.4),
            Ask("course", "content", "GET", f"/api/v1/content/courses/{course}", "owner", pause=0.4),
            Ask("course of the tutor", "ai", "GET", f"/api/v1/ai/courses/{course}", "learner"),
            Ask("dashboard", "analytics", "GET", f"/api/v1/analytics/courses/{course}", "owner"),
            Ask("events", "feed", "GET", "/api/v1/feed/events?limit=5", "owner"),
            Ask("webhooks", "feed", "GET", "/api/v1/feed/webhooks", "owner"),
        ]

    async def run(self, sender: Sender) -> None:
        await asyncio.gather(*(_repeat(sender, ask) for ask in self.asks))

    async def wrong_afterwards(self, sender: Sender) -> list[str]:
        return []


async def _repeat(sender: Sender, ask: Ask) -> None:
    async with sender.client() as client:
        while not sender.is_over:
            await sender.send(client, ask)
            await sender.pause(ask.pause)
