"""The routing table as it is now: learned from the services at start, and again as they change."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from stoa_common.logs import get_logger
from stoa_gateway.routing import domain
from stoa_gateway.routing.domain import Document, PolicyOf, Route, ServiceIsDown, Upstream, no_policy
from stoa_gateway.routing.provider import DocumentIsMissing
from stoa_gateway.routing.table import Table

log = get_logger()
#: How often a service is asked that never answered: a newcomer's first request should not wait.
UNKNOWN_PAUSE_SECONDS = 1.0


class Routing:
    """Keeps the last good document of each service; a service that is down keeps its routes."""

    def __init__(
        self,
        upstreams: Sequence[Upstream],
        fetch: Callable[[str], Awaitable[Document]],
        *,
        policy_of: PolicyOf = no_policy,
        refresh_seconds: float = 10.0,
    ) -> None:
        self.upstreams = {upstream.name: upstream for upstream in upstreams}
        self.documents: dict[str, Document] = {}
        #: Counts the tables made so far, so that what is derived from one knows when it is old.
        self.version = 0
        self._fetch = fetch
        #: What the gateway asks of any route, also of those that it answers itself.
        self.policy_of = policy_of
        self._refresh_seconds = refresh_seconds
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._table = self._made()

    @property
    def is_ready(self) -> bool:
        """Whether any service can be reached; a gateway without a route is of no use to anyone."""
        return bool(self.documents) or any(upstream.is_opaque and upstream.url for upstream in self.upstreams.values())

    @property
    def table(self) -> Table:
        """What can be reached now."""
        return self._table

    @property
    def talking(self) -> list[str]:
        """The services that show their routes, or will."""
        return [name for name, upstream in self.upstreams.items() if not upstream.is_opaque]

    async def find(self, method: str, path: str) -> Route:
        """The route of a request; raises PathIsUnknown, MethodIsNotAllowed or ServiceIsDown.

        A service that has not shown its routes yet is asked at once: it may have come up since.
        """
        try:
            return self._table.match(method, path)
        except ServiceIsDown as down:
            await self.refresh(down.service)
            return self._table.match(method, path)

    async def run(self) -> None:
        """Follow every service, until cancelled."""
        try:
            async with asyncio.TaskGroup() as following:
                for name in self.talking:
                    following.create_task(self._follow(name))
        finally:
            for asking in self._asking.values():
                asking.cancel()

    async def refresh(self, name: str) -> None:
        """Ask one service for its document; whoever asks at the same time waits for the same answer."""
        if name not in self._asking:
            self._asking[name] = asyncio.create_task(self._refresh(name))
        await asyncio.shield(self._asking[name])

    async def _follow(self, name: str) -> None:
        while True:
            await self.refresh(name)
            await asyncio.sleep(self._refresh_seconds if name in self.documents else UNKNOWN_PAUSE_SECONDS)

    async def _refresh(self, name: str) -> None:
        try:
            document = await self._fetch(self.upstreams[name].url)
            self._learn(name, document)
        except DocumentIsMissing as missing:
            log.debug("routes_not_refreshed", upstream=name, reason=str(missing))
        finally:
            self._asking.pop(name, None)

    def _learn(self, name: str, document: Document) -> None:
        if document == self.documents.get(name):
            return
        found = domain.routes(self.upstreams[name], document, self.policy_of)
        self.documents = {**self.documents, name: document}
        self._table = self._made()
        log.info("routes_learned", upstream=name, routes=len(found))

    def _made(self) -> Table:
        self.version += 1
        known = [(self.upstreams[name], document) for name, document in self.documents.items()]
        silent = [self.upstreams[name] for name in self.talking if name not in self.documents]
        opaque = [upstream for upstream in self.upstreams.values() if upstream.is_opaque]
        return Table(
            (route for part in known for route in domain.routes(*part, self.policy_of)),
            silent=silent,
            opaque=[(upstream, domain.opaque_routes(upstream, self.policy_of)) for upstream in opaque],
            policy_of=self.policy_of,
        )
