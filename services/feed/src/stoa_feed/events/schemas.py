"""Events as the pull feed shows them: CloudEvents 1.0, JSON Event Format, section 3."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Depends, Query
from pydantic import BaseModel, Field

from stoa_events.envelope import CONTENT_TYPE, SPEC_VERSION
from stoa_feed.events.models import FeedEvent

_TYPES: Any = Query(description="Only these event types; repeat it, or separate them by commas.", max_length=100)


def _types(types: Annotated[Sequence[str], _TYPES] = ()) -> list[str]:
    return [name.strip() for listed in types for name in listed.split(",") if name.strip()]


#: The parameter `types` of every way in.
TypesQuery = Annotated[list[str], Depends(_types)]


class EventOut(BaseModel):
    """One event, with the attributes that it has on Kafka; those that it lacks are left out."""

    specversion: str
    id: UUID
    source: str
    type: str
    subject: str = Field(description="The aggregate's id.")
    time: datetime
    datacontenttype: str
    dataschema: str
    sequence: int = Field(description="The aggregate's version, counted from 1.")
    orgid: UUID
    feednumber: int = Field(description="Place in the organization's feed, counted from 1 without a gap.")
    correlationid: str | None = None
    causationid: str | None = None
    traceparent: str | None = None
    data: Any = Field(description="As its `dataschema` says; personal fields are sealed.")


class EventPage(BaseModel):
    items: list[EventOut]
    next: str = Field(
        description="Send it as `after` to go on from here. Never null: at the feed's end, ask again later with it."
    )


def render(events: Sequence[FeedEvent], *, following: str) -> bytes:
    """A EventPage as JSON. Data go out as the text that was sent: parsing and writing it again could change numbers."""
    return orjson.dumps({"items": [_item(event) for event in events], "next": following})


def cloud_event(event: FeedEvent) -> bytes:
    """One event alone, byte for byte as in a page."""
    return orjson.dumps(_item(event))


def _item(event: FeedEvent) -> dict[str, Any]:
    optional = {name: getattr(event, name) for name in ("correlationid", "causationid", "traceparent")}
    return {
        "specversion": SPEC_VERSION,
        "id": str(event.event_id),
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": event.time,
        "datacontenttype": CONTENT_TYPE,
        "dataschema": event.dataschema,
        "sequence": event.sequence,
        "orgid": str(event.organization_id),
        "feednumber": event.number,
        **{name: value for name, value in optional.items() if value is not None},
        "data": orjson.Fragment(event.data),
    }
