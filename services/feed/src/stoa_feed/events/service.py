"""What the feed does: copy what was published, and show an organization its own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stoa_common import clock
from stoa_common.database import Session
from stoa_common.errors import FieldError, Invalid
from stoa_common.messaging import BadRecords, Batch
from stoa_common.pages import BadCursor
from stoa_common.security import Principal
from stoa_events.contract import REGISTRY
from stoa_feed.events import domain
from stoa_feed.events.domain import Entry
from stoa_feed.events.models import FeedEvent
from stoa_feed.events.repository import PAGE_BYTES, FeedRepository


class EventTypeIsUnknown(Invalid):
    """Somebody asked for a type that no contract has."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a feed. `read_until` is the number up to which the reader has now seen everything asked for."""

    events: Sequence[FeedEvent]
    read_until: int


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


async def read_feed(session: Session, *, reader: Principal, after: int, types: Iterable[str], limit: int) -> Window:
    """The reader's organization's events after a number; raises BadCursor for one that its feed has not reached."""
    wanted = known_types(types)
    repository = FeedRepository(session)
    newest = await repository.last_number(reader.organization_id)
    if after > newest:
        # After a restore from a backup the feed may have lost its end: silence would hide that from the reader.
        raise BadCursor
    events = await repository.list_between(reader.organization_id, after=after, until=newest, types=wanted, limit=limit)
    return Window(events, read_until=newest if _is_all(events, limit) else events[-1].number)


def _is_all(events: Sequence[FeedEvent], limit: int) -> bool:
    """Whether nothing but the feed's end can have ended the page."""
    return len(events) < limit and sum(len(event.data.encode()) for event in events) < PAGE_BYTES


def known_types(types: Iterable[str]) -> list[str]:
    """Raises EventTypeIsUnknown, which names those that do not exist."""
    wanted = sorted(set(types))
    unknown = [name for name in wanted if name not in REGISTRY]
    if unknown:
        wrong = [FieldError(field="types", message=f"{name} is no event type.") for name in unknown]
        raise EventTypeIsUnknown("Name event types as docs/events lists them.", errors=wrong)
    return wanted
