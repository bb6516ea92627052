"""Public catalogs of two organizations: kept by the gateway, so shown whatever is away, each its own alone."""

import asyncio

from .promises import Ask
from .school import School
from .sending import Sender

CACHE = "the gateway's memory"


class Catalogs:
    """Whoever asks has no credential."""

    def __init__(self, school: School) -> None:
        self._courses = {
            _ask("public catalog", school.owner.organization_id): school.course_id,
            _ask("neighbor's public catalog", school.neighbor.organization_id): school.neighbor_course_id,
        }

    @property
    def asks(self) -> list[Ask]:
        return list(self._courses)

    async def run(self, sender: Sender) -> None:
        await asyncio.gather(*(self._repeat(sender, ask) for ask in self.asks))

    async def wrong_afterwards(self, sender: Sender) -> list[str]:
        return []

    async def _repeat(self, sender: Sender, ask: Ask) -> None:
        async with sender.client() as client:
            while not sender.is_over:
                heard = await sender.send(client, ask)
                if heard.answer.is_fine and [shown["id"] for shown in heard.told["items"]] != [self._courses[ask]]:
                    sender.broken.append(f"{ask.name}: {heard.text[:200]} is not what that organization shows")
                await sender.pause(ask.pause)


def _ask(name: str, organization_id: str) -> Ask:
    # Stale or not, it is in memory.
    return Ask(name, CACHE, "GET", f"/api/v1/content/public/{organization_id}", seconds=1.0, pause=0.8)
