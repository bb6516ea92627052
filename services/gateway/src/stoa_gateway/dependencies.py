"""What the gateway opens once at start: its client, and the routing table that follows the services."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from stoa_common.resources import Resources
from stoa_gateway.documents.service import Documents
from stoa_gateway.identity.exchange import TokenExchange
from stoa_gateway.identity.service import Gatekeeper
from stoa_gateway.proxy.provider import new_session
from stoa_gateway.proxy.router import Proxy
from stoa_gateway.routing.domain import Document
from stoa_gateway.routing.provider import fetch_document
from stoa_gateway.routing.service import Routing
from stoa_gateway.settings import Settings


class NoRoutes(RuntimeError):
    """No service has answered yet, so there is nothing to reach through the gateway."""


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Sequence[object]]:
    """The resources of the process; the routing table follows the services while they are open."""
    async with new_session(answer_seconds=settings.answer_timeout_seconds) as session:

        async def fetch(url: str) -> Document:
            return await fetch_document(session, url)

        routing = Routing(settings.upstreams(), fetch, refresh_seconds=settings.refresh_seconds)
        following = asyncio.create_task(routing.run())
        try:
            gatekeeper = Gatekeeper(TokenExchange(session, settings.auth_url), settings.own_origins())
            yield [routing, Documents(routing), Proxy(routing, session, gatekeeper)]
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


async def has_routes(resources: Resources) -> None:
    """For `/readyz`: raises NoRoutes until the first service has answered."""
    if not resources.get(Routing).is_ready:
        raise NoRoutes
