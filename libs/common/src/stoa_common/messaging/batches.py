"""The batch door: many records at once, for copies of the stream. Offsets are committed after the handler returned."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from opentelemetry.util.types import AttributeValue
from sqlalchemy.dialects.postgresql import insert as upsert

from stoa_common import clock, failures, logs, metrics, telemetry
from stoa_common.database import Database
from stoa_common.messaging import kafka
from stoa_common.messaging.replay import gate
from stoa_common.messaging.router import BadRecords, Batch, BatchRecord, BulkSubscription
from stoa_common.messaging.tables import bad_events
from stoa_common.resources import Resources
from stoa_events.envelope import BadEnvelope, Envelope

MAX_RECORDS = 5_000
TRICKLE = 500
POLL_MS = 1_000
MOVE_SECONDS: Final = 10.0
log = logs.get_logger()


class BatchLoop:
    """One group's reader of whole partitions. Runs until cancelled.

    While the group is rebuilt its batches are held; what is replayed to it is read by a loop of its own
    (`ReplayedBatches`). Without a database, as in the gateway, nothing is replayed or rebuilt, and what cannot be read
    is counted, logged and passed over.
    """

    def __init__(
        self,
        group: str,
        subscription: BulkSubscription,
        database: Database | None,
        resources: Resources,
        cluster: kafka.Cluster,
    ) -> None:
        self.group = group
        self._subscription = subscription
        self._database = database
        self._resources = resources
        self._cluster = cluster
        self.assignment = kafka.Assignment()
        self.consumer: AIOKafkaConsumer | None = None
        self._moves: dict[TopicPartition, tuple[int, asyncio.Future[None]]] = {}
        self._unsettled_since_ms: int | None = None
        self._seen: dict[TopicPartition, int] = {}

    def oldest_age(self) -> float:
        """Seconds since the oldest record of the batch in hand was published."""
        since = self._unsettled_since_ms
        return 0.0 if since is None else max(0.0, clock.now().timestamp() - since / 1000)

    def lags(self) -> dict[TopicPartition, int]:
        return kafka.lags(self.consumer, self._seen)

    async def ping(self) -> None:
        await kafka.ping(self.consumer)

    async def move(self, partition: TopicPartition, offset: int) -> None:
        """Read on from this offset, and commit it. Raises IllegalStateError where another member holds it now."""
        moved: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Between two batches: the one in hand would commit its own offset afterwards.
        self._moves[partition] = (offset, moved)
        await asyncio.wait_for(moved, MOVE_SECONDS)

    async def run(self) -> None:
        consumer = self._new_consumer()
        await consumer.start()
        self.consumer = consumer
        try:
            while True:
                await self._move_all(consumer)
                await self._read_once(consumer)
        finally:
            with contextlib.suppress(TimeoutError, KafkaError):
                await asyncio.wait_for(consumer.stop(), 5)

    def _new_consumer(self) -> AIOKafkaConsumer:
        topics, membership = self._subscription.topics, self._cluster.membership(self.group)
        return kafka.new_consumer(self._cluster, topics, listener=self.assignment, **membership)

    async def _move_all(self, consumer: AIOKafkaConsumer) -> None:
        while self._moves:
            partition, (offset, moved) = self._moves.popitem()
            try:
                consumer.seek(partition, offset)
                await consumer.commit({partition: offset})
            except (IllegalStateError, KafkaError) as error:
                if not moved.done():
                    moved.set_exception(error)
            else:
                if not moved.done():
                    moved.set_result(None)

    async def _read_once(self, consumer: AIOKafkaConsumer) -> None:
        fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=MAX_RECORDS)
        for partition, raws in fetched.items():
            self._unsettled_since_ms = raws[0].timestamp
            await self._settle(raws)
            self._unsettled_since_ms = None
            self._seen[partition] = raws[-1].offset
            await _commit(consumer, {partition: raws[-1].offset + 1})
        # getmany() returns with the first record that is there: without a pause, a trickle makes a batch of each.
        if 0 < sum(map(len, fetched.values())) < TRICKLE:
            await asyncio.sleep(self._subscription.linger_seconds)

    async def _settle(self, raws: Sequence[Any]) -> None:
        records, bad = self._sort(raws)
        await self._hold(lambda: self._take(raws, records, bad, replay_id=None))

    async def _hold(self, attempt: Callable[[], Awaitable[object]]) -> None:
        """Try until it succeeds: infrastructure that is away is never the events' fault."""
        wait = 0.1
        while True:
            try:
                await attempt()
                return
            except Exception as error:  # the message's edge: a bug ends the loop, with nothing committed
                if not failures.is_infrastructure(error):
                    raise
                log.warning("batch_held", group=self.group, error=type(error).__name__)
            await asyncio.sleep(wait)
            wait = min(wait * 2, failures.LONGEST_HOLD_WAIT)

    async def _take(
        self, raws: Sequence[Any], records: list[BatchRecord], bad: list[dict[str, Any]], *, replay_id: UUID | None
    ) -> int:
        """Keep what is bad and hand over the rest; how many records were taken."""
        while True:
            await self._keep_bad(bad)
            try:
                await self._hand_over(raws, records, replay_id)
            except BadRecords as refused:
                bad += [self._bad_row(raw, refused.errors[raw.offset]) for raw in raws if raw.offset in refused.errors]
                records[:] = [record for record in records if record.offset not in refused.errors]
            else:
                return len(records)

    async def _hand_over(self, raws: Sequence[Any], records: Sequence[BatchRecord], replay_id: UUID | None) -> None:
        if not records:
            return
        topic, partition = self._cluster.own_name(raws[0].topic), raws[0].partition
        batch = Batch(topic, partition, raws[0].offset, raws[-1].offset, records)
        attributes: dict[str, AttributeValue] = {
            "messaging.system": "kafka",
            "messaging.batch.message_count": len(records),
        }
        links = {record.envelope.traceparent for record in records}
        with telemetry.batch_span(f"{self.group} insert", links, attributes):
            async with self._gate(replay_id):
                await self._subscription.call(batch, self._resources)
        metrics.OUTCOMES.labels(self.group, "handled").inc(len(records))

    def _gate(self, replay_id: UUID | None) -> AbstractAsyncContextManager[object]:
        if self._database is None:
            return contextlib.nullcontext()
        return gate.batch(self._database, self.group, replay_id=replay_id)

    def _sort(self, raws: Sequence[Any]) -> tuple[list[BatchRecord], list[dict[str, Any]]]:
        records: list[BatchRecord] = []
        bad: list[dict[str, Any]] = []
        for raw in raws:
            try:
                records.append(self._record(raw))
            except BadEnvelope as error:
                bad.append(self._bad_row(raw, str(error)))
        return records, bad

    def _record(self, raw: Any) -> BatchRecord:
        envelope = Envelope.from_headers(raw.headers)
        if raw.value is None:
            raise BadEnvelope("The value is null.")
        topic = self._cluster.own_name(raw.topic)
        return BatchRecord(topic, raw.partition, raw.offset, raw.timestamp, envelope, raw.value)

    def _bad_row(self, raw: Any, error: str) -> dict[str, Any]:
        return {
            "consumer": self.group,
            "topic": self._cluster.own_name(raw.topic),
            "partition": raw.partition,
            "offset": raw.offset,
            "headers": kafka.printable_headers(raw.headers),
            "value": raw.value,
            "error": error,
            "found_at": clock.now(),
        }

    async def _keep_bad(self, rows: Iterable[dict[str, Any]]) -> None:
        if not (listed := list(rows)):
            return
        if self._database is not None:
            async with self._database.transaction() as session:
                await session.execute(upsert(bad_events).values(listed).on_conflict_do_nothing())
        else:
            for row in listed:
                place = {name: row[name] for name in ("topic", "partition", "offset")}
                log.warning("record_passed_over", group=self.group, reason=row["error"], **place)
        metrics.OUTCOMES.labels(self.group, "bad").inc(len(listed))


async def _commit(consumer: AIOKafkaConsumer, offsets: dict[TopicPartition, int]) -> None:
    # Lost in a rebalance: the new owner reads the batch again, and the handler is idempotent.
    with contextlib.suppress(CommitFailedError, IllegalStateError):
        await consumer.commit(offsets)
