"""Resets of offsets, applied: each member moves the partitions that it holds.

Where to is decided once, and kept, before Kafka is told: whoever repeats it after a crash moves to the same offset.
"""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError
from sqlalchemy import case, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from stoa_common import clock, logs
from stoa_common.database import Database, Session
from stoa_common.messaging import kafka
from stoa_common.messaging.replay.tables import offset_reset_partitions, offset_resets

#: How many partitions, before a member has looked.
UNKNOWN: Final = -1
log = logs.get_logger()


class Reader(Protocol):
    """Somebody who reads partitions as a member of a group."""

    group: str

    @property
    def consumer(self) -> AIOKafkaConsumer | None: ...

    async def move(self, partition: TopicPartition, offset: int) -> None:
        """Read on from this offset, and commit it. Raises IllegalStateError where another member holds it now."""
        ...


class Moving:
    """The resets of one process's readers."""

    def __init__(self, readers: Sequence[Reader], database: Database, cluster: kafka.Cluster) -> None:
        self._readers = {reader.group: reader for reader in readers}
        self._database = database
        self._cluster = cluster

    async def apply_due(self) -> int:
        """Apply what is asked of the partitions that this process holds; how many it moved."""
        async with self._database.transaction() as session:
            rows = await _open(session, list(self._readers))
        moved = 0
        for row in rows:
            for partition in self._held(row):
                moved += await self._apply(row, partition)
        return moved

    def _held(self, row: Any) -> list[TopicPartition]:
        consumer = self._readers[row.consumer].consumer
        held = consumer.assignment() if consumer is not None else ()
        topic = self._cluster.named(row.topic)
        return [p for p in held if p.topic == topic and row.partition in (None, p.partition)]

    async def _apply(self, row: Any, partition: TopicPartition) -> bool:
        reader = self._readers[row.consumer]
        async with self._database.transaction() as session:
            known = await _decided(session, row, partition)
        if known is not None and known.applied_at is not None:
            return False
        offset = known.offset if known is not None else await self._decide(reader, row, partition)
        try:
            await reader.move(partition, offset)
        except (CommitFailedError, IllegalStateError):
            # Lost in a rebalance: its new owner moves it.
            return False
        async with self._database.transaction() as session:
            await _mark_applied(session, row, partition)
        log.info("offset_reset", group=row.consumer, topic=row.topic, partition=partition.partition, offset=offset)
        return True

    async def _decide(self, reader: Reader, row: Any, partition: TopicPartition) -> int:
        consumer = reader.consumer
        assert consumer is not None
        offset = await _resolve(consumer, row, partition)
        partitions = consumer.partitions_for_topic(partition.topic) or ()
        async with self._database.transaction() as session:
            return await _keep(session, row, partition, offset, len(partitions))


async def _resolve(consumer: AIOKafkaConsumer, row: Any, partition: TopicPartition) -> int:
    if row.place == "earliest":
        return int((await consumer.beginning_offsets([partition]))[partition])
    end = int((await consumer.end_offsets([partition]))[partition])
    if row.place == "latest":
        return end
    found = await consumer.offsets_for_times({partition: int(row.place_time.timestamp() * 1000)})
    # None: nothing was published then or later.
    return int(found[partition].offset) if found[partition] else end


async def _open(session: Session, groups: Sequence[str]) -> Sequence[Any]:
    """Resets that some partition still waits for."""
    applied = (
        select(func.count())
        .where(offset_reset_partitions.c.reset_id == offset_resets.c.id)
        .where(offset_reset_partitions.c.applied_at.is_not(None))
        .scalar_subquery()
    )
    wanted = case((offset_resets.c.partition.is_not(None), 1), else_=func.coalesce(offset_resets.c.partitions, UNKNOWN))
    query = select(offset_resets).where(offset_resets.c.consumer.in_(groups), offset_resets.c.cancelled_at.is_(None))
    return (await session.execute(query.where(applied != wanted).order_by(offset_resets.c.id))).all()


async def _decided(session: Session, row: Any, partition: TopicPartition) -> Any:
    found = offset_reset_partitions.c
    query = select(offset_reset_partitions).where(found.reset_id == row.id, found.partition == partition.partition)
    return (await session.execute(query)).one_or_none()


async def _keep(session: Session, row: Any, partition: TopicPartition, offset: int, partitions: int) -> int:
    """The offset that is kept: this one, or another member's that was faster."""
    values = {"reset_id": row.id, "partition": partition.partition, "offset": offset}
    await session.execute(upsert(offset_reset_partitions).values(**values).on_conflict_do_nothing())
    await session.execute(update(offset_resets).where(offset_resets.c.id == row.id).values(partitions=partitions))
    return int((await _decided(session, row, partition)).offset)


async def _mark_applied(session: Session, row: Any, partition: TopicPartition) -> None:
    found = offset_reset_partitions.c
    mine = (found.reset_id == row.id) & (found.partition == partition.partition)
    await session.execute(update(offset_reset_partitions).where(mine).values(applied_at=clock.now()))
