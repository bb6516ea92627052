"""Every query on the replays of a service's own groups."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Table, delete, exists, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from stoa_common.database import Session, rows_affected
from stoa_common.messaging.replay.domain import ReplayIsActive, State
from stoa_common.messaging.replay.tables import replay_counts, replay_ends, replays
from stoa_common.messaging.tables import consumer_groups, consumer_marks, inbox, parked

COUNTED = ("handled", "duplicate", "stale", "parked", "skipped")


async def insert_replay(session: Session, values: dict[str, Any]) -> None:
    """Raises ReplayIsActive while another of the group has not ended."""
    statement = upsert(replays).values(reason="", **values).on_conflict_do_nothing().returning(replays.c.id)
    if (await session.execute(statement)).first() is None:
        raise ReplayIsActive(f"A replay to {values['consumer']} has not ended: wait for it, or cancel it.")


async def find(session: Session, replay_id: UUID, *, lock: bool = False) -> Any:
    """The replay's row or None; with `lock`, nobody else changes its state until the commit."""
    query = select(replays).where(replays.c.id == replay_id)
    return (await session.execute(query.with_for_update(key_share=True) if lock else query)).one_or_none()


async def list_after(session: Session, *, consumers: Sequence[str], after: UUID | None, limit: int) -> list[Any]:
    query = select(replays).where(replays.c.consumer.in_(consumers))
    if after is not None:
        query = query.where(replays.c.id > after)
    return list((await session.execute(query.order_by(replays.c.id).limit(limit))).all())


async def take_requested(session: Session, consumers: Sequence[str]) -> Any:
    """One replay that waits to be started, locked; None if there is none, or others start it."""
    query = select(replays).where(replays.c.consumer.in_(consumers), replays.c.state == State.REQUESTED)
    return (await session.execute(query.limit(1).with_for_update(skip_locked=True, key_share=True))).one_or_none()


async def change(session: Session, replay_id: UUID, **values: Any) -> None:
    await session.execute(update(replays).where(replays.c.id == replay_id).values(**values))


async def counts(session: Session, ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """What became of the records, by replay."""
    sums = [func.sum(replay_counts.c[name]).label(name) for name in COUNTED]
    query = select(replay_counts.c.replay_id, *sums).where(replay_counts.c.replay_id.in_(ids))
    rows = await session.execute(query.group_by(replay_counts.c.replay_id))
    return {row.replay_id: {name: int(getattr(row, name)) for name in COUNTED} for row in rows}


async def ends(session: Session, ids: Sequence[UUID]) -> list[Any]:
    """Who has ended, by replay and publisher: on how many of how many partitions, and how many events were sent."""
    found = replay_ends.c
    query = select(
        found.replay_id,
        found.publisher,
        func.count().label("ended"),
        func.max(found.partitions).label("partitions"),
        func.max(found.sent).label("sent"),
    )
    grouped = query.where(found.replay_id.in_(ids)).group_by(found.replay_id, found.publisher)
    return list((await session.execute(grouped)).all())


async def count(session: Session, replay_id: UUID, *, partition: int, offset: int, added: dict[str, int]) -> None:
    """Add outcomes of records up to this offset of the replay topic's partition, once however often they come."""
    # What is lost of it when the server dies is a number on a screen.
    await session.execute(text("SET LOCAL synchronous_commit = off"))
    first = dict.fromkeys(COUNTED, 0) | added
    inserted = upsert(replay_counts).values(replay_id=replay_id, partition=partition, last_offset=offset, **first)
    grown = {name: replay_counts.c[name] + inserted.excluded[name] for name in COUNTED}
    statement = inserted.on_conflict_do_update(
        index_elements=["replay_id", "partition"],
        set_={"last_offset": inserted.excluded.last_offset, **grown},
        where=replay_counts.c.last_offset < inserted.excluded.last_offset,
    )
    await session.execute(statement)


async def add_end(session: Session, values: dict[str, Any]) -> None:
    await session.execute(upsert(replay_ends).values(**values).on_conflict_do_nothing())


async def close_group(session: Session, consumer: str, *, replay_id: UUID) -> None:
    """From the commit on, nothing but this replay's records is handled by the group.

    Waits for all who are handling one now. Whoever asks for these locks later looks at the group's row afterwards
    (`gate`), so nobody writes who has not seen it closed.
    """
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:c, 20))"), {"c": consumer})
    # The retrier takes them in this order, too.
    await session.execute(text("LOCK TABLE parked, inbox IN EXCLUSIVE MODE"))
    await session.execute(
        update(consumer_groups).where(consumer_groups.c.consumer == consumer).values(rebuilding=replay_id)
    )


async def open_group(session: Session, consumer: str, *, replay_id: UUID) -> None:
    mine = (consumer_groups.c.consumer == consumer) & (consumer_groups.c.rebuilding == replay_id)
    await session.execute(update(consumer_groups).where(mine).values(rebuilding=None))


async def rebuilding(session: Session, consumer: str) -> UUID | None:
    """The replay that fills the group's tables, or was cancelled while it did."""
    query = select(consumer_groups.c.rebuilding).where(consumer_groups.c.consumer == consumer)
    found: UUID | None = await session.scalar(query)
    return found


async def empty(session: Session, consumer: str, tables: Sequence[Table]) -> int:
    """Delete what the group has made, and what it knows of events; how many rows its tables had."""
    emptied = [rows_affected(await session.execute(delete(table))) for table in tables]
    for table in (inbox, consumer_marks, parked):
        await session.execute(delete(table).where(table.c.consumer == consumer))
    return sum(emptied)


async def register_group(session: Session, consumer: str, types: Sequence[str]) -> Any:
    """Note what the group reads when it is first seen; its row as it was noted."""
    first = {"consumer": consumer, "types": list(types), "needs_rebuild": False}
    await session.execute(upsert(consumer_groups).values(**first).on_conflict_do_nothing())
    query = select(consumer_groups).where(consumer_groups.c.consumer == consumer).with_for_update()
    return (await session.execute(query)).one()


async def change_group(session: Session, consumer: str, **values: Any) -> None:
    await session.execute(update(consumer_groups).where(consumer_groups.c.consumer == consumer).values(**values))


async def is_running(session: Session, replay_id: UUID) -> bool:
    running = exists().where(replays.c.id == replay_id, replays.c.state == State.RUNNING)
    return bool(await session.scalar(select(running)))
