"""One process: its roles run together, and the first that ends takes the others down with it."""

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI

from stoa_common import housekeeping, logs, telemetry
from stoa_common.app import create_app
from stoa_common.database import Database
from stoa_common.http import health
from stoa_common.http.protocol import LimitedHttp
from stoa_common.jwks import JwksKeys
from stoa_common.messaging.kafka import Cluster
from stoa_common.on_behalf import taken_by
from stoa_common.resources import Resources
from stoa_common.revocation_log import AuthLog, RedisLog, open_redis
from stoa_common.revocations import Revocations
from stoa_common.security import TokenVerifier
from stoa_common.settings import ServiceSettings
from stoa_common.sse import cuttable

if TYPE_CHECKING:
    from stoa_common.messaging.consumers import Consumers
    from stoa_common.messaging.relay import Relay
    from stoa_common.service import Service

STOP_DEADLINE = 10.0
GRACEFUL_HTTP_SECONDS = 5
SILENT_SECONDS = 5.0
log = logs.get_logger()


class RoleEnded(RuntimeError):
    """A role returned although nobody asked it to."""


class NotAssigned(RuntimeError):
    """A consumer has no partitions yet."""


class RelayIsHeld(RuntimeError):
    """Neither the database nor the broker has answered the relay for a while."""


class Process:
    """The roles of one service in one process."""

    def __init__(self, service: "Service", settings: ServiceSettings, roles: Sequence[str]) -> None:
        self._service = service
        self._settings = settings
        self._roles = roles
        self._consumers: Consumers | None = None
        self._relay: Relay | None = None
        self._databases: list[Database] = []

    async def run(self) -> None:
        """Returns after SIGTERM or SIGINT; raises what ended a role otherwise."""
        settings = self._settings
        telemetry.configure(service=self._service.name, endpoint=settings.otlp_endpoint)
        stop = _stop_on_signals()
        async with AsyncExitStack() as stack:
            resources = Resources([settings])
            stack.callback(telemetry.shutdown)
            if self._service.resources:
                for item in await stack.enter_async_context(self._service.resources(settings)):
                    resources.add(item)
            runners = [await self._role(role, resources, stack) for role in self._roles]
            runners.append(await self._http(resources, stack))
            if settings.otlp_endpoint:
                telemetry.instrument_engines([database.engine for database in self._databases])
            log.info("process_started", roles=list(self._roles), port=settings.port)
            await _run_together(runners, stop)
        log.info("process_stopped")

    async def _role(self, role: str, resources: Resources, stack: AsyncExitStack) -> Callable[[], Awaitable[None]]:
        if role == "api":
            return _forever
        database = await stack.enter_async_context(self._database(role)) if self._service.has_database else None
        cluster = self._cluster()
        # Each role's libraries are imported where it runs: six processes start at once on a laptop's two cores.
        if role == "consumer":
            from stoa_common.messaging.consumers import Consumers

            window = timedelta(days=self._settings.inbox_retention_days)
            routers = self._service.event_routers
            self._consumers = Consumers(routers, database, resources, cluster, inbox_window=window)
            return partial(_all, [self._consumers.run, *self._service.sweeping(database, resources)])
        assert database is not None
        if role == "relay":
            from stoa_common.messaging.relay import Relay
            from stoa_common.messaging.replay.republisher import Republisher

            self._relay = relay = Relay(database, cluster)
            republisher = Republisher(self._service.name, database, cluster)
            return partial(_all, [relay.run, republisher.run, partial(housekeeping.run, database, self._settings)])
        return self._worker(database, resources)

    def _worker(self, database: Database, resources: Resources) -> Callable[[], Awaitable[None]]:
        """The service's jobs, and what it does in the background besides."""
        runs: list[Callable[[], Awaitable[None]]] = [
            partial(run, database, resources) for run in self._service.background
        ]
        if self._service.tasks is not None:
            from stoa_common.jobs.worker import Worker

            runs.append(Worker(self._service.tasks, database, resources).run)
        return partial(_all, runs) if runs else _forever

    async def _http(self, resources: Resources, stack: AsyncExitStack) -> Callable[[], Awaitable[None]]:
        """Every process serves its health; only the api role serves the routes."""
        verifier = self._verifier(stack)
        database = await stack.enter_async_context(self._database("api")) if self._service.has_database else None
        if "api" in self._roles:
            app = self._service.build_app(resources, verifier, database, checks=self._role_checks())
        else:
            checks = self._service.checks_of(resources, database) | self._role_checks()
            app = create_app(
                title=f"Stoa {self._service.name}", routers=[], resources=resources, verifier=verifier, checks=checks
            )
        return partial(_serve, _server(app, self._settings))

    def _verifier(self, stack: AsyncExitStack) -> TokenVerifier:
        """The same for every process: signatures by auth's keys, and nothing that was revoked."""
        settings, url, own = self._settings, self._settings.auth_jwks_url, taken_by(self._service.name)
        redis = open_redis(settings.redis_url.get_secret_value())
        stack.push_async_callback(redis.aclose)
        ended = Revocations(RedisLog(redis, prefix=settings.kafka_topic_prefix), AuthLog(url))
        return TokenVerifier(JwksKeys(url), issuer=settings.issuer, revocations=ended, audiences=own)

    def _cluster(self) -> Cluster:
        settings = self._settings
        return Cluster(settings.kafka_bootstrap_servers, settings.kafka_topic_prefix, settings.kafka_instance_id)

    def _role_checks(self) -> dict[str, health.Check]:
        consumers, relay = self._consumers, self._relay

        async def consuming() -> None:
            if consumers is None or not consumers.is_ready():
                raise NotAssigned
            await consumers.ping()

        async def relaying() -> None:
            if relay is None or relay.silent_seconds() > SILENT_SECONDS:
                raise RelayIsHeld

        found: dict[str, health.Check] = {"consumer": consuming} if consumers else {}
        return found | ({"relay": relaying} if relay else {})

    @asynccontextmanager
    async def _database(self, role: str) -> AsyncIterator[Database]:
        settings = self._settings
        if settings.database_url is None:
            variable = f"{self._service.name.upper()}_DATABASE_URL"
            raise SystemExit(f"Set {variable}: the {self._service.name} service keeps its data in PostgreSQL.")
        database = Database(
            settings.database_url.get_secret_value(),
            pool_size=settings.database_pool_size,
            application_name=f"{self._service.name}-{role}",
            asks_first=role not in ("consumer", "relay"),
            # What the relay forgets is only what Kafka has.
            waits_for_disk=role != "relay",
        )
        self._databases.append(database)
        try:
            yield database
        finally:
            await database.close()


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the process has one place that hears them."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]  # the name and shape are uvicorn's
        yield


def _server(app: FastAPI, settings: ServiceSettings) -> _Server:
    config = uvicorn.Config(
        cuttable(app),
        http=LimitedHttp,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACEFUL_HTTP_SECONDS,
        timeout_keep_alive=75,
        proxy_headers=False,
        server_header=False,
        lifespan="off",
        loop="none",
    )
    return _Server(config)


async def _serve(server: _Server) -> None:
    """Cancelled, uvicorn would leave its socket open and its requests half done: ask it to end instead."""
    serving = asyncio.ensure_future(server.serve())
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving


def _stop_on_signals() -> asyncio.Event:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def _run_together(runners: Sequence[Callable[[], Awaitable[None]]], stop: asyncio.Event) -> None:
    tasks = [asyncio.ensure_future(runner()) for runner in runners]
    stopping = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stopping}:
            task.result()
            raise RoleEnded("A role ended by itself; see the lines above.")
    finally:
        _end_for_sure()
        for task in tasks:
            task.cancel()
        await asyncio.wait([asyncio.gather(*tasks, return_exceptions=True)], timeout=STOP_DEADLINE)


def _end_for_sure() -> None:
    """A library's task that swallows its cancellation would keep a process alive that does nothing any more."""
    timer = threading.Timer(STOP_DEADLINE + GRACEFUL_HTTP_SECONDS, os._exit, args=[1])
    timer.daemon = True
    timer.start()


async def _forever() -> None:
    await asyncio.Event().wait()


async def _all(runs: Sequence[Callable[[], Awaitable[None]]]) -> None:
    await asyncio.gather(*(run() for run in runs))
