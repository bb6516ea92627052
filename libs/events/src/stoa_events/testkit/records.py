"""An event in the forms in which it arrives: a Kafka record, JSON, a signed webhook request."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from stoa_events import webhooks
from stoa_events.contract import Event
from stoa_events.envelope import CONTENT_TYPE, SPEC_VERSION, Envelope


@dataclass(frozen=True, slots=True)
class Message:
    """A Kafka record before it is sent; `topic` is without a prefix."""

    topic: str
    key: bytes
    headers: list[tuple[str, bytes]]
    value: bytes


def now() -> datetime:
    return datetime.now(UTC)


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562, section 5.7), as Stoa's own ids are."""
    milliseconds = int(now().timestamp() * 1000)
    chance = secrets.randbits(74)
    return UUID(int=milliseconds << 80 | 7 << 76 | (chance >> 62) << 64 | 2 << 62 | chance & (1 << 62) - 1)


def an_envelope(event: Event, *, sequence: int = 1, **changes: Any) -> Envelope:
    """An envelope with a new id and the time of now, unless `changes` says otherwise."""
    return Envelope(
        **{
            "id": new_id(),
            "source": event.source(),
            "type": event.type,
            "subject": event.subject,
            "time": now(),
            "dataschema": event.dataschema(),
            "sequence": sequence,
            "orgid": event.orgid,
            **changes,
        }
    )


def a_record(event: Event, envelope: Envelope | None = None) -> Message:
    """The record that Stoa would publish."""
    envelope = envelope or an_envelope(event)
    return Message(event.destination, event.subject.encode(), envelope.headers(), event.data())


def as_json(event: Event, envelope: Envelope | None = None) -> bytes:
    """One event in CloudEvents' JSON format, as the pull feed, SSE and webhooks bring it."""
    envelope = envelope or an_envelope(event)
    attributes = {
        "specversion": SPEC_VERSION,
        "id": envelope.id,
        "source": envelope.source,
        "type": envelope.type,
        "subject": envelope.subject,
        "time": envelope.time,
        "datacontenttype": CONTENT_TYPE,
        "dataschema": envelope.dataschema,
        "sequence": envelope.sequence,
        "orgid": envelope.orgid,
        "correlationid": envelope.correlationid,
        "causationid": envelope.causationid,
        "traceparent": envelope.traceparent,
    }
    present = {name: value for name, value in attributes.items() if value is not None}
    return to_json({**present, "data": event.model_dump(mode="json")})


def a_delivery(
    event: Event, *secrets: str, envelope: Envelope | None = None, at: datetime | None = None
) -> tuple[dict[str, str], bytes]:
    """The headers and the body of a webhook request, signed with these secrets."""
    envelope = envelope or an_envelope(event)
    body = as_json(event, envelope)
    signed = webhooks.sign(body, delivery_id=str(envelope.id), at=at or now(), secrets=secrets)
    return {"content-type": webhooks.CONTENT_TYPE, **signed}, body
