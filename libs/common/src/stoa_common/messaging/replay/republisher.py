"""The publisher's side of a replay: events of `event_log` go to the group's replay topic, page by page.

Where it is, is kept in the database with each page, so that a killed relay's successor goes on; the page that was in
hand is then sent twice, which the reader's inbox notices.

What is sent is what had been committed at one moment, which is kept as a snapshot of PostgreSQL's. Times would not
do: an event's `recorded_at` is set before its commit, by a clock that may be wrong; and an event that commits behind a
time-ordered cursor while its successor commits ahead of it would reach the reader after that successor, as stale. In
a snapshot, each key has its first so many events without a gap, for their commits are in the order of their sequences.
Whatever is committed later reaches the reader by the relay, for the first time.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, and_, func, select, text, tuple_, update

from stoa_common import failpoints, failures, logs
from stoa_common.database import Database, Session
from stoa_common.messaging import kafka
from stoa_common.messaging.replay import records
from stoa_common.messaging.replay.consumers import NO_ID
from stoa_common.messaging.replay.tables import republications
from stoa_common.messaging.sender import REFUSALS, Sender
from stoa_common.outbox.tables import event_log

LARGEST_PAGE: Final = 200
PAGES_A_SECOND: Final = 4
BUSY_SECONDS: Final = 0.05
IDLE_SECONDS: Final = 1.0
REFUSED_SECONDS: Final = 5.0
log = logs.get_logger()


class Republisher:
    """Runs until cancelled, beside the relay. Several may run: each republication is locked while a page is sent."""

    def __init__(self, service: str, database: Database, cluster: kafka.Cluster) -> None:
        self._service = service
        self._database = database
        self._cluster = cluster
        self._sender = Sender(cluster)

    async def run(self) -> None:
        try:
            while True:
                wait = IDLE_SECONDS
                with failures.held("republisher_held"):
                    while await self.republish_page():
                        pass
                    wait = BUSY_SECONDS if await self._is_busy() else IDLE_SECONDS
                await asyncio.sleep(wait)
        finally:
            await self.close()

    async def close(self) -> None:
        """Leave the broker."""
        await self._sender.drop()

    async def republish_page(self) -> bool:
        """Send one page of a republication whose time has come; False where there is none."""
        async with self._database.transaction() as session:
            row = await _take_due(session)
            if row is None:
                return False
            try:
                await self._advance(session, row)
            except REFUSALS as error:
                log.error("replay_refused_by_broker", replay_id=str(row.replay_id), error=type(error).__name__)
                await _change(session, row, next_page_at=_after(REFUSED_SECONDS))
        return True

    async def _is_busy(self) -> bool:
        async with self._database.transaction() as session:
            return await session.scalar(select(1).where(republications.c.state == "running").limit(1)) is not None

    async def _advance(self, session: Session, row: Any) -> None:
        if row.snapshot is None:
            # Taken after the request was handled, so it holds all that the group had seen before it asked.
            await _change(session, row, snapshot=text("pg_current_snapshot()::text"))
        elif row.topic_index == len(row.topics):
            await self._end(session, row)
        elif events := await _read_page(session, row):
            await self._send(row, events)
            await _move_behind(session, row, events)
        else:
            await _change(session, row, topic_index=row.topic_index + 1, after_key="", after_sequence=0, after_id=NO_ID)

    async def _send(self, row: Any, events: Sequence[Any]) -> None:
        topic = row.topics[row.topic_index]
        shared = {"group": row.consumer, "replay_id": row.replay_id, "topic": topic}
        await self._sender.send(
            records.event_record(self._cluster, **shared, key=event.key, headers=event.headers, data=event.data)
            for event in events
        )
        failpoints.reach("republisher.sent")

    async def _end(self, session: Session, row: Any) -> None:
        """Behind everything that was sent there, each partition gets the marker that says so."""
        topic = self._cluster.named(records.replay_topic(row.consumer))
        shared = {"group": row.consumer, "replay_id": row.replay_id, "publisher": self._service, "sent": row.sent}
        try:
            partitions = await self._sender.partitions(topic)
            marker = records.end_record(self._cluster, **shared, partitions=partitions)
            for partition in range(partitions):
                await self._sender.send_to(topic, partition, [marker])
        except BaseException:
            await self._sender.drop()
            raise
        await _change(session, row, state="ended", ended_at=func.now())
        log.info("events_republished", replay_id=str(row.replay_id), group=row.consumer, sent=row.sent)


async def _take_due(session: Session) -> Any:
    due = and_(republications.c.state == "running", republications.c.next_page_at <= func.now())
    query = select(republications).where(due).order_by(republications.c.next_page_at).limit(1)
    return (await session.execute(query.with_for_update(skip_locked=True))).one_or_none()


async def _read_page(session: Session, row: Any) -> Sequence[Any]:
    """What follows in the topic, key by key, each by its sequence: `recorded_at` comes from clocks that may differ."""
    logged = event_log.c
    limit = max(1, min(LARGEST_PAGE, row.rate // PAGES_A_SECOND))
    place = tuple_(logged.key, logged.sequence, logged.id)
    query = (
        select(logged.key, logged.sequence, logged.id, logged.headers, logged.data)
        .where(logged.topic == row.topics[row.topic_index], *_wanted(row), _was_committed(row.snapshot))
        .where(place > tuple_(row.after_key, row.after_sequence, row.after_id))
        .order_by(logged.key, logged.sequence, logged.id)
        .limit(limit)
    )
    return (await session.execute(query)).all()


def _wanted(row: Any) -> list[ColumnElement[bool]]:
    logged = event_log.c
    conditions = {
        "types": logged.type.in_,
        "key": logged.key.__eq__,
        "recorded_from": logged.recorded_at.__ge__,
        "recorded_until": logged.recorded_at.__lt__,
    }
    return [condition(wanted) for name, condition in conditions.items() if (wanted := getattr(row, name))]


def _was_committed(snapshot: str) -> ColumnElement[bool]:
    condition = text(
        "(event_log.transaction_id IS NULL"
        " OR pg_visible_in_snapshot(event_log.transaction_id, CAST(CAST(:snapshot AS text) AS pg_snapshot)))"
    )
    return cast(ColumnElement[bool], condition.bindparams(snapshot=snapshot))


async def _move_behind(session: Session, row: Any, events: Sequence[Any]) -> None:
    last = events[-1]
    await _change(
        session,
        row,
        after_key=last.key,
        after_sequence=last.sequence,
        after_id=last.id,
        sent=row.sent + len(events),
        next_page_at=_after(len(events) / row.rate),
    )


def _after(seconds: float) -> Any:
    # The server's clock: relays on machines with clocks of their own take turns.
    return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)


async def _change(session: Session, row: Any, **values: Any) -> None:
    mine = republications.c.replay_id == row.replay_id
    await session.execute(update(republications).where(mine).values(**values))
