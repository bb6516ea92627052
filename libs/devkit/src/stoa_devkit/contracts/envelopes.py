"""The headers of a record, described for those who never saw our code; and those of each event's example."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from stoa_devkit.contracts.schemas import Schema
from stoa_events.contract import REGISTRY, Event
from stoa_events.envelope import CONTENT_TYPE, SPEC_VERSION, Envelope

#: Header -> what it holds, and what its schema says beside that it is text.
_MEANINGS: Final[dict[str, tuple[str, Schema]]] = {
    "content-type": ("The value is the event's data as JSON, UTF-8.", {"const": CONTENT_TYPE}),
    "ce_specversion": ("CloudEvents' version.", {"const": SPEC_VERSION}),
    "ce_id": (
        "The event (UUIDv7), the same wherever and however often it arrives. By it you know what you have handled.",
        {"format": "uuid"},
    ),
    "ce_source": ("The publisher: `/` and the name of a service.", {}),
    "ce_type": ("What happened: `stoa.<service>.<noun>.<verb>.v<major>`.", {}),
    "ce_subject": ("What it happened to: the id of the aggregate. The record's key is the same.", {}),
    "ce_time": ("When it was recorded (RFC 3339, UTC).", {"format": "date-time"}),
    "ce_dataschema": ("The `$id` of the JSON Schema that the data fit.", {"format": "uri"}),
    "ce_sequence": (
        "The version of the aggregate that this event made: counts from 1 for each subject, without a gap.",
        {"pattern": "^[1-9][0-9]*$"},
    ),
    "ce_orgid": (
        "The organization that it belongs to. Not there for events of a person or an operator, who belong to none.",
        {"format": "uuid"},
    ),
    "ce_correlationid": ("The chain of requests and events that it is part of.", {}),
    "ce_causationid": ("The `ce_id` of the event that led to it. Not there where a request did.", {}),
    "traceparent": ("W3C Trace Context of the transaction that recorded it: make your span its child.", {}),
}
HEADERS: Final[dict[str, Schema]] = {
    name: {"type": "string", **more, "description": said} for name, (said, more) in _MEANINGS.items()
}
SOMETIMES: Final = frozenset({"ce_orgid", "ce_correlationid", "ce_causationid", "traceparent"})
ALWAYS: Final = [name for name in HEADERS if name not in SOMETIMES]
_TIME: Final = datetime(2025, 6, 24, 21, 5, tzinfo=UTC)
#: The one of W3C's specification.
_TRACE: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def example_headers(event: type[Event]) -> dict[str, str]:
    """The headers of a record that holds the event's example."""
    read = _read(event)
    at = _time_of(read)
    envelope = Envelope(
        id=_made_up(at, event.type),
        source=event.source(),
        type=event.type,
        subject=read.subject,
        time=at,
        dataschema=event.dataschema(),
        sequence=_sequence(read),
        orgid=read.orgid,
        correlationid=str(_made_up(at, "request")),
        traceparent=_TRACE,
    )
    return {name: value.decode() for name, value in envelope.headers()}


def example_topic(event: type[Event]) -> str:
    """Where the event's example would be published."""
    return _read(event).destination


def _read(event: type[Event]) -> Event:
    return event.model_validate_json(json.dumps(event.example))


def _sequence(read: Event) -> int:
    """Which one it is of all examples of its subject: by time, and at one time in the registry's order."""
    events = {**REGISTRY, read.type: type(read)}.values()
    examples = [_read(event) for event in events if event.topic == read.topic and hasattr(event, "example")]
    mine = sorted((each for each in examples if each.subject == read.subject), key=_time_of)
    return 1 + [each.type for each in mine].index(read.type)


def _made_up(at: datetime, name: str) -> UUID:
    """A UUIDv7 (RFC 9562, section 5.7) of a time, the same for the same name."""
    milliseconds, drawn = int(at.timestamp() * 1000), int.from_bytes(hashlib.sha256(name.encode()).digest()[:10])
    upper, lower = (drawn >> 62) & 0xFFF, drawn & (2**62 - 1)
    return UUID(int=milliseconds << 80 | 7 << 76 | upper << 64 | 2 << 62 | lower)


def _time_of(event: Event) -> datetime:
    """Events are recorded when they happen: the first time among an event's fields."""
    values: list[Any] = [getattr(event, name) for name in type(event).model_fields]
    return next((value for value in values if isinstance(value, datetime)), _TIME)
