"""A service and its roles: `service = Service("content", ...)` in `processes.py` reads as the architecture.

`stoa-content api consumer relay worker` runs those roles in one process; a role that ends takes the process down.
`stoa-content migrate` brings the database to the newest schema and ends.
"""

import argparse
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import uvloop
from fastapi import APIRouter, FastAPI

from stoa_common import logs
from stoa_common.app import MAX_BODY_BYTES, create_app
from stoa_common.database import Database
from stoa_common.http import health
from stoa_common.http.edge import Observe, count
from stoa_common.http.quick import Quick
from stoa_common.jobs.router import jobs_router
from stoa_common.jobs.tasks import Tasks
from stoa_common.messaging.operations.router import operations_router
from stoa_common.messaging.replay.consumers import replays_router
from stoa_common.messaging.replay.router import offset_resets_http, replays_http
from stoa_common.messaging.router import EventRouter
from stoa_common.privacy import PersonalSource, erasure_router
from stoa_common.privacy.router import privacy_http
from stoa_common.privacy.sweeping import Sweeper
from stoa_common.process import Process
from stoa_common.resources import Resources
from stoa_common.security import TokenVerifier
from stoa_common.settings import ServiceSettings

ROLES = ("api", "consumer", "relay", "worker")
Opened = AbstractAsyncContextManager[Sequence[object]]
Background = Callable[[Database, Resources], Awaitable[None]]


@dataclass
class Service:
    """What one service is made of.

    `resources` opens what the process needs once and yields it; `observe` is told of each request when it is over;
    `quick` are reads that take the short way past the framework; `checks` are asked by `/readyz`, each given the
    resources. `background` runs in the worker role, with its database, until it is cancelled. `personal_sources` hold
    people's data outside the database's tables. `has_database=False` is for the gateway.
    """

    name: str
    settings: type[ServiceSettings]
    routers: Sequence[APIRouter] = ()
    consumers: Sequence[EventRouter] = ()
    tasks: Tasks | None = None
    background: Sequence[Background] = ()
    resources: Callable[[Any], Opened] | None = None
    checks: Mapping[str, Callable[[Resources], Awaitable[None]]] = field(default_factory=dict)
    observe: Observe = count
    quick: Sequence[Quick] = ()
    personal_sources: Sequence[PersonalSource] = ()
    has_database: bool = True
    forgets_people: bool = True
    max_body_bytes: int = MAX_BODY_BYTES

    @property
    def keeps_people(self) -> bool:
        """Whether it exports and forgets people."""
        return self.has_database and self.forgets_people

    @property
    def event_routers(self) -> list[EventRouter]:
        erasure = [erasure_router(self.name)] if self.keeps_people else []
        replays = [replays_router(self.name)] if self.has_database else []
        return [*self.consumers, *erasure, *replays]

    def sweeping(self, database: Database | None, resources: Resources) -> list[Callable[[], Awaitable[None]]]:
        """What follows, beside the consumers, the erasures that they began."""
        if database is None or not self.keeps_people:
            return []
        return [Sweeper(self.name, database, resources, self.personal_sources).run]

    def run(self, arguments: Sequence[str] | None = None) -> None:
        """The command line of the service."""
        roles = _parse(self, arguments)
        settings = self.settings.load()
        logs.configure(service=self.name, level=settings.log_level, form=settings.log_format)
        if roles == ["migrate"]:
            # Half a second that the other roles need not wait for.
            from stoa_common import migrations

            migrations.upgrade(settings)
            return
        uvloop.run(Process(self, settings, roles).run())

    def build_app(
        self,
        resources: Resources,
        verifier: TokenVerifier,
        database: Database | None,
        *,
        checks: Mapping[str, health.Check] | None = None,
    ) -> FastAPI:
        """The service's HTTP application, as the api role serves it and as tests call it."""
        jobs = [jobs_router(self.name)] if self.tasks else []
        operations = messaging_http(self.name, self.event_routers) if self.has_database else []
        privacy = [privacy_http(self.name, self.personal_sources)] if self.keeps_people else []
        app = create_app(
            title=f"Stoa {self.name}",
            routers=[*self.routers, *jobs, *operations, *privacy],
            resources=resources,
            verifier=verifier,
            database=database,
            checks=self.checks_of(resources, database) | dict(checks or {}),
            max_body_bytes=self.max_body_bytes,
            observe=self.observe,
            quick=self.quick,
        )
        # In whose name what operators do here is recorded.
        app.state.service = self.name
        return app

    def checks_of(self, resources: Resources, database: Database | None) -> dict[str, health.Check]:
        checks: dict[str, health.Check] = {name: _bound(check, resources) for name, check in self.checks.items()}
        if database is not None:
            checks["database"] = database.ping
        return checks


def messaging_http(service_name: str, event_routers: Sequence[EventRouter]) -> list[APIRouter]:
    """What operators see of the service's messaging, and do to it."""
    parts = (operations_router, replays_http, offset_resets_http)
    return [make(service_name, event_routers) for make in parts]


def _bound(check: Callable[[Resources], Awaitable[None]], resources: Resources) -> health.Check:
    async def ask() -> None:
        await check(resources)

    return ask


def _parse(service: Service, arguments: Sequence[str] | None) -> list[str]:
    parser = argparse.ArgumentParser(
        prog=f"stoa-{service.name}",
        description=f"Run roles of the {service.name} service in one process, or migrate its database.",
    )
    choices = (*ROLES, "migrate") if service.has_database else ("api", *(["consumer"] if service.consumers else []))
    parser.add_argument("roles", nargs="+", choices=choices, metavar="role", help=", ".join(choices))
    roles: list[str] = parser.parse_args(arguments).roles
    if "migrate" in roles and len(roles) > 1:
        parser.error("migrate runs alone, before the roles")
    return roles
