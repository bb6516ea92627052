"""Rules of the feeds: what can be copied, which number it gets in its organization's feed, what can still be read."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from uuid import UUID

import orjson

from stoa_common.errors import Refusal
from stoa_common.pages import BadCursor
from stoa_events.envelope import Envelope

_LARGEST_SEQUENCE = 2**63 - 1


class PlaceIsGone(Refusal):
    """Events after the reader's place have had their time."""

    status, title = 410, "Gone"

    def __init__(self) -> None:
        super().__init__(
            "The feed no longer holds what followed this place. Begin with a snapshot: take the feed's end with "
            "?start=latest, read the resources through the API, then go on from that end."
        )


class EventIsUnreadable(ValueError):
    """The event can never be copied; the message says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as it is copied: its attributes, and its data as the JSON text that was sent, personal fields sealed."""

    envelope: Envelope
    data: str


@dataclass(frozen=True, slots=True)
class Numbered:
    """An entry's place in the feed of its organization."""

    organization_id: UUID
    number: int
    entry: Entry


def read(envelope: Envelope, value: bytes) -> Entry:
    """Raises EventIsUnreadable for what the table could not hold or a reader not parse."""
    if "\x00" in "".join(text for text in _texts(envelope) if text):
        raise EventIsUnreadable("An attribute holds a NUL character.")
    if not 0 <= envelope.sequence <= _LARGEST_SEQUENCE:
        raise EventIsUnreadable("ce_sequence is out of range.")
    _check_time(envelope)
    try:
        orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise EventIsUnreadable(f"The data is not JSON: {error}") from None
    return Entry(envelope, value.decode())


def number(
    entries: Iterable[Entry], *, last_numbers: Mapping[UUID, int], known: Container[tuple[UUID, UUID]]
) -> list[Numbered]:
    """Number new entries on from each organization's last number, without a gap, in the order given.

    `known` are the (organization, event id) that the feeds hold already. Entries without an organization get no number.
    """
    numbers = dict(last_numbers)
    seen: set[tuple[UUID, UUID]] = set()
    numbered: list[Numbered] = []
    for entry in entries:
        organization_id = entry.envelope.orgid
        if organization_id is None or (key := (organization_id, entry.envelope.id)) in seen or key in known:
            continue
        seen.add(key)
        numbers[organization_id] = numbers.get(organization_id, 0) + 1
        numbered.append(Numbered(organization_id, numbers[organization_id], entry))
    return numbered


def check_place(after: int, *, held_after: int, newest: int) -> None:
    """Refuse a place from which a reader would miss events: PlaceIsGone, or BadCursor for one never reached."""
    if after > newest:
        # After a restore from a backup the feed may have lost its end: silence would hide that from the reader.
        raise BadCursor
    if after < held_after:
        raise PlaceIsGone


def _texts(envelope: Envelope) -> Iterable[str | None]:
    yield from (envelope.source, envelope.type, envelope.subject, envelope.dataschema)
    yield from (envelope.correlationid, envelope.causationid, envelope.traceparent)


def _check_time(envelope: Envelope) -> None:
    if envelope.time.tzinfo is None:
        raise EventIsUnreadable("ce_time has no offset from UTC.")
    try:
        envelope.time.astimezone(UTC)
    except OverflowError:
        raise EventIsUnreadable("ce_time is out of range.") from None
