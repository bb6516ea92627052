"""Webhooks for tests: made over HTTP, delivered by deliverers whose time the test moves."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx2

from stoa_common import clock
from stoa_common.database import Database
from stoa_common.security import Principal
from stoa_common.testing import Identities
from stoa_feed.webhooks.deliverer import Deliverer
from stoa_feed.webhooks.provider import Sender
from stoa_feed.webhooks.sealing import Sealer

WEBHOOKS = "/api/v1/feed/webhooks"


@dataclass
class Hooks:
    """What an organization's admin does, over HTTP."""

    client: httpx2.AsyncClient
    identities: Identities
    admin: Principal

    async def ask(self, method: str, path: str = "", *, status: int = 200, **options: Any) -> Any:
        headers = self.identities.headers(options.pop("caller", self.admin))
        answer = await self.client.request(method, WEBHOOKS + path, headers=headers, **options)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def make(self, url: str, **fields: Any) -> dict[str, Any]:
        made: dict[str, Any] = await self.ask("POST", status=201, json={"url": url, **fields})
        return made

    async def show(self, webhook: dict[str, Any]) -> dict[str, Any]:
        shown: dict[str, Any] = await self.ask("GET", f"/{webhook['id']}")
        return shown

    async def deliveries(self, webhook: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
        page = await self.ask("GET", f"/{webhook['id']}/deliveries", params=query)
        items: list[dict[str, Any]] = page["items"]
        return items


class Times:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def __call__(self) -> datetime:
        return clock.now() + self._ahead

    def pass_by(self, **duration: float) -> None:
        self._ahead += timedelta(**duration)


class Work:
    """Deliverers, one turn at a time."""

    def __init__(self, database: Database, sender: Sender, sealer: Sealer) -> None:
        self._parts = (database, sender, sealer)
        self.times = Times()

    def deliverer(self, *, lease: timedelta = timedelta(seconds=60)) -> Deliverer:
        return Deliverer(*self._parts, now=self.times, lease=lease)

    async def until_quiet(self, deliverer: Deliverer | None = None, *, seconds: float = 30) -> None:
        """All turns that there are, until no webhook has work."""
        working = deliverer or self.deliverer()
        async with asyncio.timeout(seconds):
            while await working.step():
                await working.rest()
