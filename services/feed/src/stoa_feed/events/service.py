"""What the feed does: copy what was published, and show an organization its own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from stoa_common import clock
from stoa_common.database import Session
from stoa_common.errors import FieldError, Invalid
from stoa_common.messaging import BadRecords, Batch
from stoa_common.pages import BadCursor, decode_cursor, encode_cursor
from stoa_common.security import Principal
from stoa_events.contract import REGISTRY
from stoa_feed.events import domain, schemas
from stoa_feed.events.domain import Entry
from stoa_feed.events.models import FeedEvent
from stoa_feed.events.repository import PAGE_BYTES, FeedRepository

#: How much is dropped in one transaction, which holds up the copy of the feeds that it prunes.
PRUNE_BATCH: Final = 1000
PRUNE_FEEDS: Final = 20
#: After which number to read; or from the oldest event that is kept, or from behind the newest.
Place = int | Literal["earliest", "latest"]


class EventTypeIsUnknown(Invalid):
    """Somebody asked for a type that no contract has."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a feed. `read_until` is the number up to which the reader has now seen everything asked for."""

    events: Sequence[FeedEvent]
    read_until: int


@dataclass(frozen=True, slots=True)
class Shown:
    """An event as every way in shows it."""

    number: int
    id: UUID
    type: str
    body: bytes


def show(event: FeedEvent) -> Shown:
    return Shown(event.number, event.event_id, event.type, schemas.cloud_event(event))


def read_batch(batch: Batch) -> list[Entry]:
    """The batch's events as entries; raises BadRecords, which names those that can never be copied."""
    entries: list[Entry] = []
    errors: dict[int, str] = {}
    for record in batch.records:
        try:
            entries.append(domain.read(record.envelope, record.value))
        except domain.EventIsUnreadable as error:
            errors[record.offset] = str(error)
    if errors:
        raise BadRecords(errors)
    return entries


async def copy(session: Session, entries: Sequence[Entry]) -> None:
    """Add to each organization's feed what it does not hold yet; safe to repeat, and safe beside other copies."""
    repository = FeedRepository(session)
    keys = {(e.envelope.orgid, e.envelope.id) for e in entries if e.envelope.orgid is not None}
    last_numbers = await repository.lock({organization_id for organization_id, _ in keys})
    numbered = domain.number(entries, last_numbers=last_numbers, known=await repository.known(list(keys)))
    now = clock.now()
    await repository.append(numbered, at=now)
    await repository.add_platform_events([e for e in entries if e.envelope.orgid is None], at=now)


async def read_feed(
    session: Session,
    organization_id: UUID,
    *,
    after: Place,
    types: Iterable[str],
    limit: int,
    max_bytes: int = PAGE_BYTES,
) -> Window:
    """The organization's events after a place, in order.

    Raises BadCursor for a number that the feed has not reached, PlaceIsGone for one that it no longer holds. Ends
    early, after at least one event, where the data would exceed `max_bytes`.
    """
    wanted = known_types(types)
    repository = FeedRepository(session)
    newest = await repository.last_number(organization_id)
    if after == "latest":
        return Window([], read_until=newest)
    number = 0 if after == "earliest" else after
    events = await repository.list_between(
        organization_id, after=number, until=newest, types=wanted, limit=limit, max_bytes=max_bytes
    )
    # Asked last: what was pruned while the events were read is missing among them, and known here.
    held_after = await repository.pruned_until(organization_id)
    domain.check_place(held_after if after == "earliest" else number, held_after=held_after, newest=newest)
    is_all = len(events) < limit and sum(len(event.data.encode()) for event in events) < max_bytes
    return Window(events, read_until=newest if is_all else events[-1].number)


async def last_numbers(session: Session, organizations: Iterable[UUID]) -> dict[UUID, int]:
    """The numbers of these feeds' newest events."""
    return await FeedRepository(session).last_numbers(organizations)


async def events_numbered(session: Session, organization_id: UUID, numbers: Iterable[int]) -> dict[int, Shown]:
    """Those of these events that the feed still holds."""
    return {event.number: show(event) for event in await FeedRepository(session).numbered(organization_id, numbers)}


async def number_before(session: Session, organization_id: UUID, *, since: datetime) -> int:
    """The number after which everything lies that happened at `since` or later."""
    return await FeedRepository(session).number_before(organization_id, since=since)


async def prune(session: Session, *, before: datetime) -> int:
    """Drop a batch of what was copied before this time; how many events that were."""
    repository = FeedRepository(session)
    dropped = await repository.prune_platform_events(before=before, limit=PRUNE_BATCH)
    for organization_id in await repository.feeds_older_than(before, limit=PRUNE_FEEDS):
        dropped += await repository.prune(organization_id, before=before, limit=PRUNE_BATCH)
    return dropped


def read_cursor(cursor: str, *, reader: Principal) -> int:
    """The number that an opaque cursor of the reader's organization stands for; raises BadCursor."""
    organization_id, number = decode_cursor(cursor, [UUID, int])
    if organization_id != reader.organization_id or number < 0:
        raise BadCursor
    return int(number)


def write_cursor(organization_id: UUID, number: int) -> str:
    return encode_cursor([organization_id, number])


def known_types(types: Iterable[str]) -> list[str]:
    """Raises EventTypeIsUnknown, which names those that do not exist."""
    wanted = sorted(set(types))
    unknown = [name for name in wanted if name not in REGISTRY]
    if unknown:
        wrong = [FieldError(field="types", message=f"{name} is no event type.") for name in unknown]
        raise EventTypeIsUnknown("Name event types as docs/events lists them.", errors=wrong)
    return wanted
