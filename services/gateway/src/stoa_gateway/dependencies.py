"""What the gateway opens once at start: its client, and the routing table that follows the services."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp

from stoa_common.resources import Resources
from stoa_gateway.caching import service as caching
from stoa_gateway.caching.provider import Purges, open_redis
from stoa_gateway.caching.service import Cache
from stoa_gateway.documents.service import Documents
from stoa_gateway.identity.exchange import TokenExchange
from stoa_gateway.identity.service import Gatekeeper
from stoa_gateway.limits import service as limiting
from stoa_gateway.limits.rates import BadLimits, read_classes
from stoa_gateway.limits.service import Limits
from stoa_gateway.origins import service as allowing
from stoa_gateway.origins.service import AllowedOrigins
from stoa_gateway.proxy.provider import new_session
from stoa_gateway.proxy.router import Proxy
from stoa_gateway.routing.domain import Document
from stoa_gateway.routing.policies import BadPolicies, Policies
from stoa_gateway.routing.provider import fetch_document
from stoa_gateway.routing.service import Routing
from stoa_gateway.settings import Settings
from stoa_gateway.streams import provider as stream_log
from stoa_gateway.streams import router as streams_router
from stoa_gateway.streams import service as streaming
from stoa_gateway.streams.provider import StreamLog
from stoa_gateway.streams.service import Streams
from stoa_gateway.upstreams.domain import BadCapacity, read_capacities
from stoa_gateway.upstreams.service import Upstreams


@asynccontextmanager
async def _caching(settings: Settings) -> AsyncIterator[tuple[Cache, Purges]]:
    """Kept answers, and how every process learns which events ended some."""
    async with open_redis(settings.redis_url.get_secret_value()) as redis:
        purges = Purges(redis, prefix=settings.kafka_topic_prefix)
        async with caching.opened(purges, max_bytes=settings.cache_max_bytes) as cache:
            yield cache, purges


@asynccontextmanager
async def _streaming(settings: Settings) -> AsyncIterator[tuple[StreamLog, Streams]]:
    """What people are told, and the streams that are open here."""
    url, prefix = settings.redis_url.get_secret_value(), settings.kafka_topic_prefix
    kept_seconds, most_events = settings.stream_kept_seconds, settings.stream_most_events
    async with (
        stream_log.opened(url, prefix=prefix, kept_seconds=kept_seconds, most=most_events) as source,
        streaming.opened(source, most=settings.streams_most, most_of_one=settings.streams_most_of_one) as streams,
    ):
        yield source, streams


class NoRoutes(RuntimeError):
    """No service has answered yet, so there is nothing to reach through the gateway."""


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Sequence[object]]:
    """The resources of the process; the routing table follows the services while they are open."""
    policies = settings.read_policies()
    upstreams = _upstreams(settings, policies)
    async with (
        new_session() as session,
        _caching(settings) as (cache, purges),
        _limiting(settings, policies) as limits,
        _streaming(settings) as (source, streams),
        _allowing(settings, session) as origins,
    ):

        async def fetch(url: str) -> Document:
            return await fetch_document(session, url)

        routing = Routing(settings.upstreams(), fetch, policy_of=policies.of, refresh_seconds=settings.refresh_seconds)
        running = [asyncio.create_task(routing.run()), asyncio.create_task(upstreams.run())]
        try:
            gatekeeper = Gatekeeper(TokenExchange(session, settings.auth_url), settings.own_origins())
            proxy = Proxy(
                routing,
                session,
                gatekeeper,
                upstreams,
                trusted=settings.proxies(),
                limits=limits,
                cache=cache,
                origins=origins,
            )
            documents = Documents(routing, own=[(streams_router.OWNER, streams_router.DOCUMENT)])
            told = (source, streams, gatekeeper)
            yield [routing, documents, cache, purges, limits, origins, upstreams, proxy, *told]
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


def _upstreams(settings: Settings, policies: Policies) -> Upstreams:
    """The ways to the services, as wide as the settings file says. Raises BadPolicies."""
    known = frozenset(upstream.name for upstream in settings.upstreams())
    try:
        return Upstreams(read_capacities(policies.upstreams, known=known))
    except BadCapacity as bad:
        raise BadPolicies(f"The gateway's policies: {bad}") from None


def _limiting(settings: Settings, policies: Policies) -> AbstractAsyncContextManager[Limits]:
    """The limits that the settings file says. Raises BadPolicies."""
    try:
        classes = read_classes(policies.limits, scale=settings.limits_scale)
    except BadLimits as bad:
        raise BadPolicies(f"The gateway's policies: {bad}") from None
    return limiting.opened(
        settings.redis_url.get_secret_value(),
        classes,
        prefix=settings.kafka_topic_prefix,
        answer_seconds=settings.limits_answer_seconds,
    )


def _allowing(settings: Settings, session: aiohttp.ClientSession) -> AbstractAsyncContextManager[AllowedOrigins]:
    """Whose pages may ask: those of the settings, and those that organizations list at auth."""
    cookies = bool(settings.origins_with_cookies())
    return allowing.opened(session, settings.auth_url, everywhere=settings.origins(), takes_cookies=cookies)


async def has_routes(resources: Resources) -> None:
    """For `/readyz`: raises NoRoutes until the first service has answered."""
    if not resources.get(Routing).is_ready:
        raise NoRoutes
