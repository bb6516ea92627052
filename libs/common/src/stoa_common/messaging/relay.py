"""The relay: publishes what the outbox holds, in order per key, and forgets it once the broker has acknowledged.

Each shard is guarded by one row that is locked with SKIP LOCKED, so that several relays share the shards and none
reorders a key. A record that the broker refuses for good blocks its key, not its shard.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from sqlalchemy import and_, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from stoa_common import clock, logs, metrics
from stoa_common.database import Database
from stoa_common.messaging import failures, kafka
from stoa_common.outbox.tables import event_log, outbox, outbox_shards

BATCH = 500
SHORTEST_WAIT, LONGEST_WAIT = 0.015, 0.25
SEND_DEADLINE = 15.0
RETRY_REFUSED_AFTER = timedelta(seconds=30)
log = logs.get_logger()


class Relay:
    """Runs until cancelled."""

    def __init__(self, database: Database, cluster: kafka.Cluster) -> None:
        self._database = database
        self._cluster = cluster
        self._producer: AIOKafkaProducer | None = None

    async def run(self) -> None:
        wait = SHORTEST_WAIT
        try:
            while True:
                published = await self._try_round()
                wait = SHORTEST_WAIT if published else min(wait * 2, LONGEST_WAIT)
                await asyncio.sleep(0 if published >= BATCH else wait)
        finally:
            await self._drop_producer()

    async def _try_round(self) -> int:
        with failures.held("relay_held"):
            return await self.drain_once()
        # An idempotent producer that saw an error cannot tell what arrived; a new one starts a clean session.
        await self._drop_producer()
        return 0

    async def drain_once(self) -> int:
        """One round over all shards; the number of events that the broker acknowledged."""
        return sum([await self._drain(shard) for shard in await self._waiting_shards()])

    async def _waiting_shards(self) -> Sequence[int]:
        async with self._database.transaction() as session:
            return (await session.scalars(select(outbox.c.shard).distinct())).all()

    async def _drain(self, shard: int) -> int:
        async with self._database.transaction() as session:
            if not await self._lock(session, shard):
                return 0
            rows = await self._read(session, shard)
            acknowledged, refused = await self._publish(rows)
            await session.execute(delete(outbox).where(outbox.c.position.in_(acknowledged)))
            for position, error in refused.items():
                await self._mark(session, position, error)
        metrics.PUBLISHED.inc(len(acknowledged))
        return len(acknowledged)

    async def _lock(self, session: AsyncSession, shard: int) -> bool:
        guard = select(outbox_shards.c.shard).where(outbox_shards.c.shard == shard)
        return await session.scalar(guard.with_for_update(skip_locked=True)) is not None

    async def _read(self, session: AsyncSession, shard: int) -> Sequence[Any]:
        refused = outbox.alias("refused")
        blocked = exists().where(
            refused.c.shard == shard,
            refused.c.key == outbox.c.key,
            refused.c.failed_at > func.now() - RETRY_REFUSED_AFTER,
        )
        recorded = and_(event_log.c.recorded_at == outbox.c.recorded_at, event_log.c.id == outbox.c.event_id)
        query = (
            select(outbox.c.position, outbox.c.key, event_log.c.topic, event_log.c.headers, event_log.c.data)
            .join(event_log, recorded)
            .where(outbox.c.shard == shard, ~blocked)
            .order_by(outbox.c.position)
            .limit(BATCH)
        )
        return (await session.execute(query)).all()

    async def _publish(self, rows: Sequence[Any]) -> tuple[list[int], dict[int, str]]:
        """Send pipelined, in order; then wait for all acknowledgements together."""
        producer = await self._connected()
        refused: dict[int, str] = {}
        blocked_keys: set[str] = set()
        waiting: dict[int, asyncio.Future[Any]] = {}
        for row in rows:
            if row.key in blocked_keys:
                continue
            try:
                waiting[row.position] = await asyncio.wait_for(self._send(producer, row), SEND_DEADLINE)
            except MessageSizeTooLargeError as error:
                refused[row.position] = str(error)
                blocked_keys.add(row.key)
        if waiting:
            await asyncio.wait_for(asyncio.gather(*waiting.values()), SEND_DEADLINE)
        return list(waiting), refused

    async def _send(self, producer: AIOKafkaProducer, row: Any) -> "asyncio.Future[Any]":
        headers = [(name, value.encode()) for name, value in row.headers.items()]
        future: asyncio.Future[Any] = await producer.send(
            self._cluster.named(row.topic), value=row.data.encode(), key=row.key.encode(), headers=headers
        )
        return future

    async def _mark(self, session: AsyncSession, position: int, error: str) -> None:
        log.error("event_refused_by_broker", position=position, error=error)
        row = outbox.c.position == position
        await session.execute(update(outbox).where(row).values(failed_at=clock.now(), error=error))

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            # Kept before it has started: one that cannot start has tasks to stop, too.
            self._producer = kafka.new_producer(self._cluster)
            await asyncio.wait_for(self._producer.start(), SEND_DEADLINE)
        return self._producer

    async def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            # With the broker away, stop() waits for ever.
            with contextlib.suppress(TimeoutError, KafkaError):
                await asyncio.wait_for(producer.stop(), 2)
