"""The pull feed over HTTP."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Response

from stoa_common.database import SessionDep
from stoa_common.http import Router, require
from stoa_common.pages import BadCursor, PageQuery, decode_cursor, encode_cursor
from stoa_common.security import Caller
from stoa_feed.events import schemas, service

router = Router(prefix="/api/v1/feed/events", tags=["events"])

_TYPES: Any = Query(description="Only these event types; repeat it, or separate them by commas.", max_length=100)


def _types(types: Annotated[Sequence[str], _TYPES] = ()) -> list[str]:
    return [name.strip() for listed in types for name in listed.split(",") if name.strip()]


def _place(caller: Caller, window: PageQuery) -> int:
    """The number after which to read, from a cursor of the caller's organization; 0 without one."""
    if window.after is None:
        return 0
    organization_id, number = decode_cursor(window.after, [UUID, int])
    if organization_id != caller.organization_id or number < 0:
        raise BadCursor
    return int(number)


@router.get("", response_model=schemas.EventPage, **require("event:read"))
async def list_events(
    session: SessionDep,
    caller: Caller,
    window: PageQuery,
    types: Annotated[list[str], Depends(_types)],
    after: Annotated[int, Depends(_place)],
) -> Response:
    """Read the organization's events in order, from the first one or from where the last page ended."""
    found = await service.read_feed(session, reader=caller, after=after, types=types, limit=window.limit)
    following = encode_cursor([caller.organization_id, found.read_until])
    return Response(schemas.render(found.events, following=following), media_type="application/json")
