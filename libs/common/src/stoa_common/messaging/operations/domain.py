"""What an operator may do with a parked event, and what is refused."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from pydantic import ValidationError

from stoa_common.errors import Conflict, FieldError, Invalid, NotFound, Unavailable
from stoa_common.messaging import kafka
from stoa_events.contract import Event
from stoa_events.envelope import BadEnvelope, Envelope

Header = tuple[str, str | None]
Content = tuple[list[Header], bytes | None]


class GroupNotFound(NotFound):
    """The service has no such consumer group."""


class ParkedEventNotFound(NotFound):
    """Nothing is parked at this position."""


class BadEventNotFound(NotFound):
    """No bad event has this place."""


class EventIsBeingTried(Conflict):
    """The retrier, or another operator, has the event at this moment."""


class EventIsDiscarded(Conflict):
    """It was given up, which is for good."""


class EventKeepsItsId(Invalid):
    """An edit must not make another event of it."""


class EditIsUnreadable(Invalid):
    """After the edit no handler could read the event."""


class KafkaIsAway(Unavailable):
    """Kafka did not say how far the groups are."""


def refuse_discarded(state: str) -> None:
    """Raises EventIsDiscarded."""
    if state == "discarded":
        raise EventIsDiscarded("This event was discarded, which is for good; rebuild the group to apply it after all.")


def find(headers: Sequence[Header], name: str) -> str | None:
    """The first header of this name that has a value."""
    return next((value for key, value in headers if key == name and value is not None), None)


def readable_id(headers: Sequence[Header]) -> UUID | None:
    """The event's id, where a consumer could read the headers."""
    envelope = _envelope(headers)
    return envelope.id if isinstance(envelope, Envelope) else None


def mended(headers: Sequence[Header], changes: Mapping[str, str | None]) -> list[Header]:
    """The headers after an edit: what is not named stays in its place, null removes, what is new comes last."""
    kept = [(name, changes.get(name, value)) for name, value in headers if changes.get(name, "") is not None]
    there = {name for name, _ in headers}
    return [*kept, *((name, value) for name, value in changes.items() if name not in there and value is not None)]


def refuse_unreadable(before: Content, after: Content, *, handled: Mapping[str, type[Event]], force: bool) -> None:
    """Raises EventKeepsItsId; unless forced, EditIsUnreadable, which names what is still wrong."""
    old, new = _envelope(before[0]), _envelope(after[0])
    if isinstance(old, Envelope) and find(after[0], "ce_id") != find(before[0], "ce_id"):
        raise EventKeepsItsId("Leave ce_id as it is: Kafka may deliver the event once more, under that id.")
    if not force and (wrong := _wrong_with(new, after[1], handled)):
        raise EditIsUnreadable("Mend the fields listed in `errors` too, or send force.", errors=wrong)


def _wrong_with(
    envelope: Envelope | BadEnvelope, value: bytes | None, handled: Mapping[str, type[Event]]
) -> list[FieldError]:
    if isinstance(envelope, BadEnvelope):
        return [FieldError(field="headers", message=str(envelope))]
    if envelope.type not in handled:
        types = ", ".join(sorted(handled))
        return [FieldError(field="headers.ce_type", message=f"No handler of this group reads it; it reads {types}.")]
    return _wrong_data(handled[envelope.type], value or b"")


def _wrong_data(event: type[Event], value: bytes) -> list[FieldError]:
    try:
        event.parse(value)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        return [FieldError(field=".".join(["data", *map(str, e["loc"])]), message=e["msg"]) for e in found]
    return []


def _envelope(headers: Sequence[Header]) -> Envelope | BadEnvelope:
    try:
        return Envelope.from_headers(kafka.raw_headers(headers))
    except BadEnvelope as error:
        return error


def encoded(data: Any) -> bytes:
    """Data as a record's value. Raises EditIsUnreadable for what JSON has no form for: NaN, half a character."""
    try:
        return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except ValueError:
        wrong = FieldError(field="data", message="Not JSON.")
        raise EditIsUnreadable("Send data as JSON (RFC 8259).", errors=[wrong]) from None


def decoded(text: str) -> bytes:
    """Raises EditIsUnreadable."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        wrong = FieldError(field="data_base64", message="Not base64.")
        raise EditIsUnreadable("Send data_base64 as base64 (RFC 4648).", errors=[wrong]) from None


def shown(value: bytes | None) -> dict[str, object]:
    """A record's value as JSON where it is JSON, else as base64; nothing where there is none."""
    if value is None:
        return {}
    try:
        return {"data": orjson.loads(value)}
    except orjson.JSONDecodeError:
        return {"data_base64": base64.b64encode(value).decode()}
