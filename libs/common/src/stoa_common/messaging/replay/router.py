"""`/api/v1/<service>/messaging/replays` and `.../offset-resets`: the same routes in every service, for operators."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from stoa_common.database import SessionDep
from stoa_common.http import Router, require
from stoa_common.messaging.replay import domain, offsets, service
from stoa_common.messaging.replay.schemas import OffsetResetIn, OffsetResetOut, ReplayIn, ReplayOut
from stoa_common.messaging.router import EventRouter
from stoa_common.pages import Page, PageQuery, decode_cursor, encode_cursor
from stoa_common.resources import resource
from stoa_common.security import Caller
from stoa_common.settings import ServiceSettings

SettingsDep = Annotated[ServiceSettings, resource(ServiceSettings)]
GroupQuery = Annotated[str | None, Query(max_length=200, description="Only of this consumer group.")]


def replays_http(service_name: str, routers: Sequence[EventRouter]) -> Router:
    """Routes for the groups of these routers."""
    prefix = f"/api/v1/{service_name}/messaging/replays"
    router = Router(prefix=prefix, tags=["messaging"])
    names = [reader.group for reader in routers if reader.read_topics]

    @router.post("", response_model=ReplayOut, status_code=202, **require("platform:write"))
    async def request_replay(
        wanted: ReplayIn, session: SessionDep, caller: Caller, settings: SettingsDep, response: Response
    ) -> ReplayOut:
        """Send past events once more to one consumer group, or empty its tables and fill them anew."""
        reader = domain.find_group(routers, wanted.group)
        replay = await service.request_replay(
            session, reader, wanted.wanted(), caller=caller, inbox=timedelta(days=settings.inbox_retention_days)
        )
        response.headers["Location"] = f"{prefix}/{replay.id}"
        return replay

    @router.get("", response_model=Page[ReplayOut], **require("platform:read"))
    async def list_replays(session: SessionDep, window: PageQuery, group: GroupQuery = None) -> Page[ReplayOut]:
        """List replays, the oldest first."""
        groups = [domain.find_group(routers, group).group] if group else names
        after = decode_cursor(window.after, [UUID])[0] if window.after else None
        items, last = await service.list_replays(session, groups=groups, after=after, limit=window.limit)
        return Page(items=items, next=encode_cursor([last]) if last else None)

    @router.get("/{replay_id}", response_model=ReplayOut, **require("platform:read"))
    async def get_replay(replay_id: UUID, session: SessionDep) -> ReplayOut:
        """Tell how far a replay is."""
        return await service.get_replay(session, replay_id, groups=names)

    @router.delete("/{replay_id}", response_model=ReplayOut, **require("platform:write"))
    async def cancel_replay(replay_id: UUID, session: SessionDep, caller: Caller) -> ReplayOut:
        """Cancel a replay. A rebuild that has begun leaves its group closed, until another rebuild completes."""
        return await service.cancel_replay(session, replay_id, groups=names, caller=caller)

    return router


def offset_resets_http(service_name: str, routers: Sequence[EventRouter]) -> Router:
    """Routes for the groups of these routers."""
    prefix = f"/api/v1/{service_name}/messaging/offset-resets"
    router = Router(prefix=prefix, tags=["messaging"])
    names = [reader.group for reader in routers if reader.read_topics]

    @router.post("", response_model=OffsetResetOut, status_code=202, **require("platform:write"))
    async def reset_offsets(
        wanted: OffsetResetIn, session: SessionDep, caller: Caller, response: Response
    ) -> OffsetResetOut:
        """Move where a consumer group reads a topic; the members that hold its partitions do it."""
        reader = domain.find_group(routers, wanted.group)
        reset = await offsets.request_reset(session, reader, wanted, caller=caller)
        response.headers["Location"] = f"{prefix}/{reset.id}"
        return reset

    @router.get("", response_model=Page[OffsetResetOut], **require("platform:read"))
    async def list_offset_resets(
        session: SessionDep, window: PageQuery, group: GroupQuery = None
    ) -> Page[OffsetResetOut]:
        """List resets of offsets, the oldest first."""
        groups = [domain.find_group(routers, group).group] if group else names
        after = decode_cursor(window.after, [UUID])[0] if window.after else None
        items, last = await offsets.list_resets(session, groups=groups, after=after, limit=window.limit)
        return Page(items=items, next=encode_cursor([last]) if last else None)

    @router.get("/{reset_id}", response_model=OffsetResetOut, **require("platform:read"))
    async def get_offset_reset(reset_id: UUID, session: SessionDep) -> OffsetResetOut:
        """Tell on which partitions a reset was applied."""
        return await offsets.get_reset(session, reset_id, groups=names)

    @router.delete("/{reset_id}", response_model=OffsetResetOut, **require("platform:write"))
    async def cancel_offset_reset(reset_id: UUID, session: SessionDep, caller: Caller) -> OffsetResetOut:
        """Cancel what of a reset is not applied yet."""
        return await offsets.cancel_reset(session, reset_id, groups=names, caller=caller)

    return router
