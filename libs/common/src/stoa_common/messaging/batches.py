"""The batch door: many records at once, for copies of the stream. Offsets are committed after the handler returned."""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from opentelemetry.util.types import AttributeValue
from sqlalchemy.dialects.postgresql import insert as upsert

from stoa_common import clock, logs, metrics, telemetry
from stoa_common.database import Database
from stoa_common.messaging import failures, kafka
from stoa_common.messaging.router import BadRecords, Batch, BatchRecord, BulkSubscription
from stoa_common.messaging.tables import bad_events
from stoa_common.resources import Resources
from stoa_events.envelope import BadEnvelope, Envelope

MAX_RECORDS = 5_000
TRICKLE = 500
POLL_MS = 1_000
LONGEST_HOLD_WAIT = 5.0
log = logs.get_logger()


class BatchLoop:
    """One group's reader of whole partitions. Runs until cancelled."""

    def __init__(
        self,
        group: str,
        subscription: BulkSubscription,
        database: Database,
        resources: Resources,
        cluster: kafka.Cluster,
    ) -> None:
        self.group = group
        self._subscription = subscription
        self._database = database
        self._resources = resources
        self._cluster = cluster
        self.assignment = kafka.Assignment()

    async def run(self) -> None:
        topics, membership = self._subscription.topics, self._cluster.membership(self.group)
        consumer = kafka.new_consumer(self._cluster, topics, listener=self.assignment, **membership)
        await consumer.start()
        try:
            while True:
                await self._read_once(consumer)
        finally:
            with contextlib.suppress(TimeoutError, KafkaError):
                await asyncio.wait_for(consumer.stop(), 5)

    async def _read_once(self, consumer: AIOKafkaConsumer) -> None:
        fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=MAX_RECORDS)
        for partition, raws in fetched.items():
            await self._settle(raws)
            await _commit(consumer, {partition: raws[-1].offset + 1})
        # getmany() returns with the first record that is there: without a pause, a trickle makes a batch of each.
        if 0 < sum(map(len, fetched.values())) < TRICKLE:
            await asyncio.sleep(self._subscription.linger_seconds)

    async def _settle(self, raws: Sequence[Any]) -> None:
        """Hand the batch over until it is taken: infrastructure that is away is never the events' fault."""
        records, bad = self._sort(raws)
        wait = 0.1
        while True:
            try:
                await self._keep_bad(bad)
                return await self._hand_over(raws, records)
            except BadRecords as refused:
                bad += [self._bad_row(raw, refused.errors[raw.offset]) for raw in raws if raw.offset in refused.errors]
                records = [record for record in records if record.offset not in refused.errors]
                continue
            except Exception as error:  # the message's edge: a bug ends the loop, with nothing committed
                if not failures.is_infrastructure(error):
                    raise
                log.warning("batch_held", group=self.group, error=type(error).__name__)
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_HOLD_WAIT)

    async def _hand_over(self, raws: Sequence[Any], records: Sequence[BatchRecord]) -> None:
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
            await self._subscription.call(batch, self._resources)
        metrics.OUTCOMES.labels(self.group, "handled").inc(len(records))

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
        async with self._database.transaction() as session:
            await session.execute(upsert(bad_events).values(listed).on_conflict_do_nothing())
        metrics.OUTCOMES.labels(self.group, "bad").inc(len(listed))


async def _commit(consumer: AIOKafkaConsumer, offsets: dict[TopicPartition, int]) -> None:
    # Lost in a rebalance: the new owner reads the batch again, and the handler is idempotent.
    with contextlib.suppress(CommitFailedError, IllegalStateError):
        await consumer.commit(offsets)
