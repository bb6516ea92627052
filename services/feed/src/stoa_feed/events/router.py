"""The events over HTTP: page by page, or as a stream."""

from typing import Annotated, Any, Literal

from fastapi import Depends, Header, Query, Request, Response

from stoa_common.database import DatabaseDep, SessionDep
from stoa_common.http import Router, problems, require
from stoa_common.pages import PageQuery
from stoa_common.resources import resource
from stoa_common.security import Caller
from stoa_common.sse import EventStream, still_known
from stoa_feed.events import schemas, service, tail
from stoa_feed.events.schemas import TypesQuery
from stoa_feed.events.service import Place
from stoa_feed.events.tail import Tail

router = Router(prefix="/api/v1/feed/events", tags=["events"])

_START: Any = Query(description="Where to begin without a place: at the oldest event that is kept, or at the end.")
Start = Annotated[Literal["earliest", "latest"], _START]


def _after(caller: Caller, window: PageQuery, start: Start = "earliest") -> Place:
    return start if window.after is None else service.read_cursor(window.after, reader=caller)


@router.get("", response_model=schemas.EventPage, **require("event:read"))
async def list_events(
    session: SessionDep,
    caller: Caller,
    window: PageQuery,
    types: TypesQuery,
    after: Annotated[Place, Depends(_after)],
) -> Response:
    """Read the organization's events in order, from the oldest that is kept or from where the last page ended."""
    found = await service.read_feed(session, caller.organization_id, after=after, types=types, limit=window.limit)
    following = service.write_cursor(caller.organization_id, found.read_until)
    return Response(schemas.render(found.events, following=following), media_type="application/json")


def _resumed(
    caller: Caller,
    start: Start = "earliest",
    after: Annotated[str | None, Query(max_length=500, description="A cursor, for clients without the header.")] = None,
    last_event_id: Annotated[str | None, Header(max_length=500, description="The last id that arrived.")] = None,
) -> Place:
    """The header goes first: browsers that come back send it with the address that they began with."""
    cursor = last_event_id or after
    return start if cursor is None else service.read_cursor(cursor, reader=caller)


_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events named by their type, each with the CloudEvent as JSON; `reset` where some are gone.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.get("/stream", response_class=EventStream, responses=_STREAM, **require("event:read"))
async def stream_events(
    request: Request,
    caller: Caller,
    database: DatabaseDep,
    ends: Annotated[Tail, resource(Tail)],
    types: TypesQuery,
    after: Annotated[Place, Depends(_resumed)],
) -> EventStream:
    """Follow the organization's events as they come, from where the last stream ended; ends with the access token."""
    wanted = service.known_types(types)
    ends.check_room(caller.organization_id)
    request_id = problems.request_id(request)
    return EventStream(
        tail.follow(
            ends,
            database,
            reader=caller,
            is_known=still_known(request),
            after=after,
            types=wanted,
            request_id=request_id,
        )
    )
