"""Every query of the copy. A feed is read by the organization that owns it, and by nobody else."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from stoa_common.database import Session
from stoa_feed.events.domain import Entry, Numbered
from stoa_feed.events.models import Feed, FeedEvent, PlatformEvent

#: A lesson's text may take 900 kB: a page of two hundred would not fit into anybody's memory.
PAGE_BYTES = 4_000_000


class FeedRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def lock(self, organizations: Iterable[UUID]) -> dict[UUID, int]:
        """The feeds' last numbers, theirs until the commit; a feed that is new begins at 0.

        Always in one order, so that two batches never wait for each other.
        """
        rows = [{"organization_id": organization_id, "last_number": 0} for organization_id in sorted(organizations)]
        if not rows:
            return {}
        wanted = upsert(Feed).values(rows)
        locked = wanted.on_conflict_do_update(
            index_elements=[Feed.organization_id], set_={"last_number": Feed.last_number}
        ).returning(Feed.organization_id, Feed.last_number)
        return {row.organization_id: row.last_number for row in await self._session.execute(locked)}

    async def known(self, keys: Sequence[tuple[UUID, UUID]]) -> set[tuple[UUID, UUID]]:
        """Which of these (organization, event id) the feeds hold; certain only under the feeds' locks."""
        pair = tuple_(FeedEvent.organization_id, FeedEvent.event_id)
        found = await self._session.execute(select(FeedEvent.organization_id, FeedEvent.event_id).where(pair.in_(keys)))
        return {(row.organization_id, row.event_id) for row in found}

    async def append(self, numbered: Sequence[Numbered], *, at: datetime) -> None:
        """Add to feeds whose locks are held, and move their last numbers on."""
        if not numbered:
            return
        rows = [
            {"organization_id": item.organization_id, "number": item.number, **_columns(item.entry, at)}
            for item in numbered
        ]
        await self._session.execute(insert(FeedEvent), rows)
        last_numbers = {item.organization_id: item.number for item in numbered}
        await self._session.execute(
            update(Feed), [{"organization_id": o, "last_number": n} for o, n in last_numbers.items()]
        )

    async def add_platform_events(self, entries: Sequence[Entry], *, at: datetime) -> None:
        """Keep what belongs to no organization; what is kept already stays as it is."""
        rows = sorted((_columns(entry, at) for entry in entries), key=lambda row: str(row["event_id"]))
        if rows:
            await self._session.execute(upsert(PlatformEvent).on_conflict_do_nothing(), rows)

    async def last_number(self, organization_id: UUID) -> int:
        """The number of the newest event; 0 where there is none. All before it are there to be read."""
        query = select(Feed.last_number).where(Feed.organization_id == organization_id)
        return await self._session.scalar(query) or 0

    async def list_between(
        self, organization_id: UUID, *, after: int, until: int, types: Sequence[str], limit: int
    ) -> list[FeedEvent]:
        """Events with `after` < number <= `until`, in order, of these types (of all, if none are named).

        Ends early, after at least one, where the data would exceed PAGE_BYTES.
        """
        wanted = select(FeedEvent.number, func.octet_length(FeedEvent.data).label("size")).where(
            FeedEvent.organization_id == organization_id, FeedEvent.number > after, FeedEvent.number <= until
        )
        if types:
            wanted = wanted.where(FeedEvent.type.in_(types))
        first = wanted.order_by(FeedEvent.number).limit(limit).subquery()
        before = func.sum(first.c.size).over(order_by=first.c.number) - first.c.size
        fitting = select(first.c.number, before.label("before")).subquery()
        query = (
            select(FeedEvent)
            .join(fitting, fitting.c.number == FeedEvent.number)
            .where(FeedEvent.organization_id == organization_id, fitting.c.before < PAGE_BYTES)
        )
        return list(await self._session.scalars(query.order_by(FeedEvent.number)))


def _columns(entry: Entry, at: datetime) -> Mapping[str, Any]:
    envelope = entry.envelope
    return {
        "event_id": envelope.id,
        "type": envelope.type,
        "source": envelope.source,
        "subject": envelope.subject,
        "time": envelope.time,
        "dataschema": envelope.dataschema,
        "sequence": envelope.sequence,
        "correlationid": envelope.correlationid,
        "causationid": envelope.causationid,
        "traceparent": envelope.traceparent,
        "data": entry.data,
        "copied_at": at,
    }
