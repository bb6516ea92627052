"""Every query of the copy. A feed is read by the organization that owns it, and by nobody else."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, tuple_, update
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

    async def last_numbers(self, organizations: Iterable[UUID]) -> dict[UUID, int]:
        query = select(Feed.organization_id, Feed.last_number).where(Feed.organization_id.in_(organizations))
        return {row.organization_id: row.last_number for row in await self._session.execute(query)}

    async def pruned_until(self, organization_id: UUID) -> int:
        """The number up to which events are gone; 0 where all are there."""
        query = select(Feed.pruned_until).where(Feed.organization_id == organization_id)
        return await self._session.scalar(query) or 0

    async def numbered(self, organization_id: UUID, numbers: Iterable[int]) -> list[FeedEvent]:
        mine = FeedEvent.organization_id == organization_id
        return list(await self._session.scalars(select(FeedEvent).where(mine, FeedEvent.number.in_(numbers))))

    async def number_before(self, organization_id: UUID, *, since: datetime) -> int:
        """The number before the first event that happened at `since` or later; the newest, where none did."""
        mine = FeedEvent.organization_id == organization_id
        first = await self._session.scalar(select(func.min(FeedEvent.number)).where(mine, FeedEvent.time >= since))
        return await self.last_number(organization_id) if first is None else first - 1

    async def feeds_older_than(self, moment: datetime, *, limit: int) -> list[UUID]:
        """Feeds whose oldest event was copied before this time."""
        oldest = (
            select(FeedEvent.copied_at)
            .where(FeedEvent.organization_id == Feed.organization_id, FeedEvent.number > Feed.pruned_until)
            .order_by(FeedEvent.number)
            .limit(1)
            .correlate(Feed)
            .scalar_subquery()
        )
        query = select(Feed.organization_id).where(oldest < moment).order_by(Feed.organization_id).limit(limit)
        return list(await self._session.scalars(query))

    async def prune(self, organization_id: UUID, *, before: datetime, limit: int) -> int:
        """Drop the oldest events as far as they were copied before this time, and note up to where they are gone."""
        feed = select(Feed.pruned_until).where(Feed.organization_id == organization_id).with_for_update()
        pruned_until = await self._session.scalar(feed) or 0
        mine = (FeedEvent.organization_id == organization_id) & (FeedEvent.number > pruned_until)
        # Together and from the front: a hole in the middle would not be told to readers.
        oldest = select(FeedEvent.number, FeedEvent.copied_at).where(mine).order_by(FeedEvent.number).limit(limit)
        rows = takewhile(lambda row: row.copied_at < before, (await self._session.execute(oldest)).all())
        numbers = [row.number for row in rows]
        if not numbers:
            return 0
        await self._session.execute(delete(FeedEvent).where(mine, FeedEvent.number <= numbers[-1]))
        moved = update(Feed).where(Feed.organization_id == organization_id).values(pruned_until=numbers[-1])
        await self._session.execute(moved)
        return len(numbers)

    async def prune_platform_events(self, *, before: datetime, limit: int) -> int:
        # Ids are UUIDv7: the oldest come first in the primary key, and no other index is needed.
        oldest = select(PlatformEvent.event_id, PlatformEvent.copied_at).order_by(PlatformEvent.event_id).limit(limit)
        rows = (await self._session.execute(oldest)).all()
        old = [row.event_id for row in rows if row.copied_at < before]
        if old:
            await self._session.execute(delete(PlatformEvent).where(PlatformEvent.event_id.in_(old)))
        return len(old)

    async def list_between(
        self, organization_id: UUID, *, after: int, until: int, types: Sequence[str], limit: int, max_bytes: int
    ) -> list[FeedEvent]:
        """Events with `after` < number <= `until`, in order, of these types (of all, if none are named).

        Ends early, after at least one, where the data would exceed `max_bytes`.
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
            .where(FeedEvent.organization_id == organization_id, fitting.c.before < max_bytes)
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
