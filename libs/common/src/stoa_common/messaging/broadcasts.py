"""The broadcast door: every process sees every record from now on, and nothing is kept or promised."""

import asyncio
import contextlib
from typing import Any

from aiokafka.errors import KafkaError

from stoa_common import logs
from stoa_common.messaging import kafka
from stoa_common.messaging.router import BatchRecord, BulkSubscription
from stoa_common.resources import Resources
from stoa_events.envelope import BadEnvelope, Envelope

log = logs.get_logger()


class BroadcastLoop:
    """Reads without a group, from the end. Runs until cancelled."""

    def __init__(self, subscription: BulkSubscription, resources: Resources, cluster: kafka.Cluster) -> None:
        self._subscription = subscription
        self._resources = resources
        self._cluster = cluster

    async def run(self) -> None:
        topics = self._subscription.topics
        consumer = kafka.new_consumer(self._cluster, topics, auto_offset_reset="latest")
        await consumer.start()
        try:
            async for raw in consumer:
                await self._show(raw)
        finally:
            with contextlib.suppress(TimeoutError, KafkaError):
                await asyncio.wait_for(consumer.stop(), 5)

    async def _show(self, raw: Any) -> None:
        try:
            envelope = Envelope.from_headers(raw.headers)
        except BadEnvelope as error:
            log.warning("broadcast_skipped", topic=raw.topic, offset=raw.offset, error=str(error))
            return
        topic = self._cluster.own_name(raw.topic)
        record = BatchRecord(topic, raw.partition, raw.offset, raw.timestamp, envelope, raw.value or b"")
        await self._subscription.call(record, self._resources)
