"""`/api/v1/<service>/messaging`: groups, parked events and bad events, for operators."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Path, Query

from stoa_common.database import SessionDep
from stoa_common.http import Router, require
from stoa_common.messaging.kafka import Cluster
from stoa_common.messaging.operations import service
from stoa_common.messaging.operations.schemas import (
    BadEventContentOut,
    BadEventOut,
    DiscardIn,
    EditIn,
    GroupOut,
    ParkedContentOut,
    ParkedOut,
    State,
    Storable,
)
from stoa_common.messaging.router import EventRouter
from stoa_common.pages import Page, PageQuery
from stoa_common.resources import resource
from stoa_common.security import Caller
from stoa_common.settings import ServiceSettings

SettingsDep = Annotated[ServiceSettings, resource(ServiceSettings)]
Position = Annotated[int, Path(ge=1, lt=2**63)]
Filter = Annotated[Storable | None, Query()]


def operations_router(service_name: str, routers: Sequence[EventRouter]) -> Router:
    """The routes of a service with these consumer groups."""
    groups = _kept_groups(routers)
    router = _router(service_name)

    @router.get("/groups", response_model=Page[GroupOut], **require("platform:read"))
    async def list_groups(session: SessionDep, settings: SettingsDep) -> Page[GroupOut]:
        """List the service's consumer groups: how far each is, and what it could not handle."""
        return Page(items=await service.list_groups(session, groups, cluster=_cluster(settings)), next=None)

    _add_parked(router, groups)
    _add_bad_events(router, groups)
    return router


def groups_router(service_name: str, routers: Sequence[EventRouter]) -> Router:
    """Of a service without a database, how far its groups are: there is nothing that they could park or replay."""
    groups = _kept_groups(routers)
    router = _router(service_name)

    @router.get("/groups", response_model=Page[GroupOut], **require("platform:read"))
    async def list_groups(settings: SettingsDep) -> Page[GroupOut]:
        """List the service's consumer groups, and how far each is; what one cannot read it passes over."""
        return Page(items=await service.list_groups(None, groups, cluster=_cluster(settings)), next=None)

    return router


def _kept_groups(routers: Sequence[EventRouter]) -> service.Groups:
    return {router.group: router for router in routers if router.subscriptions or router.batches}


def _router(service_name: str) -> Router:
    return Router(prefix=f"/api/v1/{service_name}/messaging", tags=["messaging"])


def _cluster(settings: ServiceSettings) -> Cluster:
    return Cluster(settings.kafka_bootstrap_servers, settings.kafka_topic_prefix)


def _add_parked(router: Router, groups: service.Groups) -> None:
    @router.get("/parked", response_model=Page[ParkedOut], **require("platform:read"))
    async def list_parked(
        session: SessionDep,
        window: PageQuery,
        group: Filter = None,
        state: State | None = None,
        event_type: Annotated[Storable | None, Query(alias="type")] = None,
        key: Filter = None,
    ) -> Page[ParkedOut]:
        """List parked events in the order in which they were parked, without their data."""
        wanted = {"group": group, "state": state, "type": event_type, "key": key}
        return await service.list_parked(session, groups, wanted=wanted, after=window.after, limit=window.limit)

    @router.get("/parked/{position}", response_model=ParkedContentOut, **require("platform:read"))
    async def show_parked(position: Position, session: SessionDep, caller: Caller) -> ParkedContentOut:
        """Show a parked event with headers and data; that it was shown is noted in the audit log."""
        return await service.show_parked(session, position, caller=caller)

    @router.post("/parked/{position}/retry", response_model=ParkedOut, **require("platform:write"))
    async def retry_parked(position: Position, session: SessionDep, caller: Caller) -> ParkedOut:
        """Make a parked event due now; a dead one waits again, with all its tries."""
        return await service.retry_parked(session, position, caller=caller)

    @router.patch("/parked/{position}", response_model=ParkedOut, **require("platform:write"))
    async def edit_parked(position: Position, edit: EditIn, session: SessionDep, caller: Caller) -> ParkedOut:
        """Mend a parked event's headers or data; a handler must be able to read the result, unless forced."""
        return await service.edit_parked(session, groups, position, edit, caller=caller)

    @router.post("/parked/{position}/discard", response_model=ParkedOut, **require("platform:write"))
    async def discard_parked(position: Position, given: DiscardIn, session: SessionDep, caller: Caller) -> ParkedOut:
        """Give a parked event up for good: it stays on record, and the next of its key is due at once."""
        return await service.discard_parked(session, position, reason=given.reason, caller=caller)


def _add_bad_events(router: Router, groups: service.Groups) -> None:
    @router.get("/bad-events", response_model=Page[BadEventOut], **require("platform:read"))
    async def list_bad_events(session: SessionDep, window: PageQuery, group: Filter = None) -> Page[BadEventOut]:
        """List what batch groups could not read, without values."""
        return await service.list_bad_events(session, groups, group=group, after=window.after, limit=window.limit)

    place = "/bad-events/{group}/{topic}/{partition}/{offset}"

    @router.get(place, response_model=BadEventContentOut, **require("platform:read"))
    async def show_bad_event(
        group: Storable,
        topic: Storable,
        partition: Annotated[int, Path(ge=0, lt=2**31)],
        offset: Annotated[int, Path(ge=0, lt=2**63)],
        session: SessionDep,
        caller: Caller,
    ) -> BadEventContentOut:
        """Show what a batch group could not read; that it was shown is noted in the audit log."""
        return await service.show_bad_event(
            session, group=group, topic=topic, partition=partition, offset=offset, caller=caller
        )
