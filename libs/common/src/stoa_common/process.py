"""One process: its roles run together, and the first that ends takes the others down with it."""

import asyncio
import gc
import os
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from fastapi import FastAPI

from stoa_common import housekeeping, logs, telemetry
from stoa_common.app import create_app
from stoa_common.database import Database
from stoa_common.http import health
from stoa_common.jwks import JwksKeys
from stoa_common.messaging.kafka import Cluster
from stoa_common.on_behalf import taken_by
from stoa_common.resources import Resources
from stoa_common.revocation_log import AuthLog, RedisLog, open_redis
from stoa_common.revocations import Revocations
from stoa_common.security import TokenVerifier
from stoa_common.serving import serve
from stoa_common.settings import ServiceSettings

if TYPE_CHECKING:
    from stoa_common.messaging.consumers import Consumers
    from stoa_common.messaging.relay import Relay
    from stoa_common.service import Service

#: What a process may take to end beside its open requests; then it is ended.
STOP_DEADLINE = 5.0
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
        self._app: FastAPI | None = None

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
            _leave_the_start_alone()
            log.info("process_started", roles=list(self._roles), port=settings.port)
            await _run_together(runners, stop, self._leave, deadline=settings.finish_seconds + STOP_DEADLINE)
        log.info("process_stopped")

    async def _leave(self) -> None:
        """Balancers that ask `/readyz` send nothing more; until they have noticed, what comes is still answered."""
        if self._app is not None:
            self._app.state.is_leaving = True
        log.info("process_leaving", drain_seconds=self._settings.drain_seconds)
        await asyncio.sleep(self._settings.drain_seconds)

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
        self._app = app
        return partial(serve, app, self._settings)

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


def _leave_the_start_alone() -> None:
    """Make the garbage collector cheap.

    What is here now stays until the end, so it is never looked at again; and requests leave little behind that only a
    collection finds, so it looks each 50,000 objects instead of each 700. Half of a request's CPU at the gateway went
    there, and the longest pauses.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


def _stop_on_signals() -> asyncio.Event:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def _run_together(
    runners: Sequence[Callable[[], Awaitable[None]]],
    stop: asyncio.Event,
    leave: Callable[[], Awaitable[None]],
    *,
    deadline: float,
) -> None:
    tasks = [asyncio.ensure_future(runner()) for runner in runners]
    stopping = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stopping}:
            task.result()
            raise RoleEnded("A role ended by itself; see the lines above.")
        await leave()
    finally:
        _end_for_sure(deadline + STOP_DEADLINE)
        for task in tasks:
            task.cancel()
        await asyncio.wait([asyncio.gather(*tasks, return_exceptions=True)], timeout=deadline)


def _end_for_sure(seconds: float) -> None:
    """A library's task that swallows its cancellation would keep a process alive that does nothing any more."""
    timer = threading.Timer(seconds, os._exit, args=[1])
    timer.daemon = True
    timer.start()


async def _forever() -> None:
    await asyncio.Event().wait()


async def _all(runs: Sequence[Callable[[], Awaitable[None]]]) -> None:
    await asyncio.gather(*(run() for run in runs))
