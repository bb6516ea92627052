"""The relay: publishes what the outbox holds, in order per key, and forgets it once the broker has acknowledged.

Each shard is guarded by one row that is locked with SKIP LOCKED, so that several relays share the shards and none
reorders a key. A record that the broker refuses for good blocks its key, not its shard.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final

import orjson

from stoa_common import failpoints, failures, logs, metrics
from stoa_common.database import Database
from stoa_common.messaging import kafka
from stoa_common.messaging.sender import REFUSALS, Outgoing, Sender
from stoa_common.outbox.tables import SHARDS

BATCH: Final = 500
#: Events that one transaction forgets together; what it published is published again if it does not commit.
AT_ONCE: Final = 1000
SHORTEST_WAIT: Final = 0.010
#: Where a round finds more than a few, a longer wait spares the database and the broker half of the rounds.
BUSY_WAIT: Final = 0.020
FEW: Final = 4
LONGEST_WAIT: Final = 0.25
#: In a backlog, parts that share the shards: while one waits for the broker, the other reads.
SIDE_BY_SIDE: Final = 2
MEASURE_SECONDS: Final = 1.0
log = logs.get_logger()

# The lock comes in a statement of its own: a row that another relay deletes while we wait for its lock would still be
# in the snapshot of a statement that locks and reads.
_LOCK: Final = """
SELECT shard FROM outbox_shards s WHERE shard = ANY($1::smallint[])
AND EXISTS (SELECT 1 FROM outbox o WHERE o.shard = s.shard) FOR UPDATE SKIP LOCKED
"""
# In order within each shard, and so within each key.
_READ: Final = """
SELECT o.position, o.key, e.topic, e.headers::text AS headers, e.data
FROM unnest($1::smallint[]) AS wanted(shard) CROSS JOIN LATERAL (
    SELECT position, key, recorded_at, event_id FROM outbox WHERE outbox.shard = wanted.shard AND NOT EXISTS (
        SELECT 1 FROM outbox refused WHERE refused.shard = outbox.shard AND refused.key = outbox.key
        AND refused.failed_at > now() - interval '30 seconds'
    ) ORDER BY position LIMIT $2
) AS o JOIN event_log e ON e.recorded_at = o.recorded_at AND e.id = o.event_id
ORDER BY o.position
"""
_DELETE: Final = "DELETE FROM outbox WHERE position = ANY($1)"
_REFUSE: Final = "UPDATE outbox SET failed_at = now(), error = $2 WHERE position = $1"
_AGE: Final = "SELECT extract(epoch FROM now() - recorded_at)::float8 FROM outbox ORDER BY position LIMIT 1"
_COUNT: Final = "SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT 100000) AS counted"


class Relay:
    """Runs until cancelled."""

    def __init__(self, database: Database, cluster: kafka.Cluster) -> None:
        self._database = database
        self._parts = [
            _Part(database, cluster, list(range(first, SHARDS, SIDE_BY_SIDE))) for first in range(SIDE_BY_SIDE)
        ]
        self._whole = _Part(database, cluster, list(range(SHARDS)))
        self._answered_at = time.monotonic()

    async def run(self) -> None:
        measuring = asyncio.create_task(self._measure(), name="outbox age")
        wait = SHORTEST_WAIT
        try:
            while True:
                published = await self._try_round()
                wait = _wait_after(published, wait)
                await asyncio.sleep(0 if published >= BATCH else wait)
        finally:
            measuring.cancel()
            await asyncio.wait([measuring])
            await self.close()

    async def drain_once(self) -> int:
        """One round over all shards; the number of events that the broker acknowledged."""
        published = await self._whole.drain()
        if published >= BATCH:
            published += sum(await asyncio.gather(*(part.drain() for part in self._parts)))
        self._answered_at = time.monotonic()
        return published

    async def close(self) -> None:
        """Leave the broker."""
        await asyncio.gather(*(part.sender.drop() for part in (self._whole, *self._parts)))

    def silent_seconds(self) -> float:
        """How long ago database and broker last answered."""
        return time.monotonic() - self._answered_at

    async def _try_round(self) -> int:
        with failures.held("relay_held"):
            return await self.drain_once()
        return 0

    async def _measure(self) -> None:
        """How much waits, and for how long: what an operator is woken by."""
        while True:
            with failures.held("outbox_not_measured"):
                async with self._database.driver() as connection:
                    metrics.OUTBOX_AGE.set(max(0.0, await connection.fetchval(_AGE) or 0.0))
                    metrics.OUTBOX_WAITING.set(await connection.fetchval(_COUNT))
            await asyncio.sleep(MEASURE_SECONDS)


def _wait_after(published: int, last: float) -> float:
    if published:
        return BUSY_WAIT if published > FEW else SHORTEST_WAIT
    return min(last * 2, LONGEST_WAIT)


class _Part:
    """Publishes what some of the shards hold, with a producer of its own."""

    def __init__(self, database: Database, cluster: kafka.Cluster, shards: Sequence[int]) -> None:
        self.sender = Sender(cluster)
        self._database = database
        self._cluster = cluster
        self._shards = shards
        self._limit = BATCH

    async def drain(self) -> int:
        """One transaction's events; the number that the broker acknowledged."""
        published = 0
        async with self._database.driver() as connection, connection.transaction():
            shards = [row["shard"] for row in await connection.fetch(_LOCK, self._shards)]
            while shards and published < AT_ONCE:
                rows = await connection.fetch(_READ, shards, max(1, self._limit // len(shards)))
                if not rows or not await self._publish(connection, rows):
                    break
                published += len(rows)
                if len(rows) < BATCH // 2:
                    break
        metrics.PUBLISHED.inc(published)
        return published

    async def _publish(self, connection: Any, rows: Sequence[Any]) -> bool:
        """Send the rows, and forget them once they are acknowledged; False where the broker refuses one."""
        try:
            await self.sender.send([self._outgoing(row) for row in rows])
        except REFUSALS as error:
            await self._narrow_down(connection, rows, error)
            return False
        failpoints.reach("relay.sent")
        await connection.execute(_DELETE, [row["position"] for row in rows])
        self._limit = min(self._limit * 2, BATCH)
        return True

    async def _narrow_down(self, connection: Any, rows: Sequence[Any], error: Exception) -> None:
        """Send fewer at once until the refused record stands alone; then its key waits, and no other."""
        if len(rows) == 1:
            log.error("event_refused_by_broker", position=rows[0]["position"], error=type(error).__name__)
            await connection.execute(_REFUSE, rows[0]["position"], str(error) or type(error).__name__)
        elif self._limit > 1:
            self._limit = max(1, min(len(rows), self._limit) // 2)
        else:
            await self._narrow_to_each(connection, rows)

    async def _narrow_to_each(self, connection: Any, rows: Sequence[Any]) -> None:
        """One row of each shard is the least that is read together: try them one by one."""
        for row in rows:
            if not await self._publish(connection, [row]):
                break

    def _outgoing(self, row: Any) -> Outgoing:
        headers = [(name, value.encode()) for name, value in orjson.loads(row["headers"]).items()]
        return Outgoing(self._cluster.named(row["topic"]), row["key"].encode(), row["data"].encode(), headers)
