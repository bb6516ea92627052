"""Records to Kafka, in order and all or nothing: a batch for each partition, sent pipelined, acknowledged together."""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
from aiokafka.partitioner import murmur2

from stoa_common.messaging import kafka

SEND_DEADLINE: Final = 15.0
STOP_DEADLINE: Final = 2.0
TOPIC_DEADLINE: Final = 3.0
#: What the broker will never take, however often it is sent.
REFUSALS: Final = (
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    InvalidTopicError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record on its way to Kafka; `topic` is its full name on the cluster."""

    topic: str
    key: bytes
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Sender:
    """An idempotent producer that is made anew after any error: one that saw an error cannot tell what arrived."""

    def __init__(self, cluster: kafka.Cluster) -> None:
        self._cluster = cluster
        self._producer: AIOKafkaProducer | None = None

    async def send(self, records: Iterable[Outgoing]) -> None:
        """Returns once all are acknowledged by the in-sync replicas; records of one key keep their order.

        Raises one of REFUSALS where the broker will never take a record, TimeoutError or KafkaError where it is away;
        part of the records may have arrived then.
        """
        try:
            async with asyncio.timeout(SEND_DEADLINE):
                producer = await self._connected()
                waiting = [
                    await producer.send_batch(batch, topic, partition=partition)
                    for topic, partition, batch in await self._batches(producer, records)
                ]
                await asyncio.gather(*waiting)
        except BaseException:
            await self.drop()
            raise

    async def send_to(self, topic: str, partition: int, records: Sequence[Outgoing]) -> None:
        """The same for one partition, whatever the keys."""
        async with asyncio.timeout(SEND_DEADLINE):
            producer = await self._connected()
            for batch in _filled(producer, records):
                await (await producer.send_batch(batch, topic, partition=partition))

    async def partitions(self, topic: str) -> int:
        """How many partitions the topic has. Raises UnknownTopicOrPartitionError if the cluster has none of it."""
        return len(await self._partitions_of(await self._connected(), topic))

    async def drop(self) -> None:
        """Leave the producer, if there is one."""
        producer, self._producer = self._producer, None
        if producer is not None:
            # With the broker away, stop() waits for ever.
            with contextlib.suppress(TimeoutError, KafkaError):
                await asyncio.wait_for(producer.stop(), STOP_DEADLINE)

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            # Kept before it has started: one that cannot start has tasks to stop, too.
            self._producer = kafka.new_producer(self._cluster)
            await self._producer.start()
        return self._producer

    async def _batches(self, producer: AIOKafkaProducer, records: Iterable[Outgoing]) -> list[tuple[str, int, Any]]:
        grouped: dict[tuple[str, int], list[Outgoing]] = {}
        counts: dict[str, int] = {}
        for record in records:
            if record.topic not in counts:
                counts[record.topic] = len(await self._partitions_of(producer, record.topic))
            place = (record.topic, _hash(record.key) % counts[record.topic])
            grouped.setdefault(place, []).append(record)
        return [(*place, batch) for place, group in grouped.items() for batch in _filled(producer, group)]

    async def _partitions_of(self, producer: AIOKafkaProducer, topic: str) -> set[int]:
        try:
            async with asyncio.timeout(TOPIC_DEADLINE):
                found: set[int] = await producer.partitions_for(topic)
                return found
        except (TimeoutError, UnknownTopicOrPartitionError):
            # The same error while the broker is away: only a fresh answer without the topic says that there is none.
            if not await producer.client.force_metadata_update():
                raise TimeoutError from None
            raise UnknownTopicOrPartitionError(f"The cluster has no topic {topic}.") from None


def _filled(producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> list[Any]:
    """As few batches as hold the records; a record alone in its batch may be of any size."""
    batches = [producer.create_batch()]
    for record in records:
        values = {"key": record.key, "value": record.value, "timestamp": None, "headers": record.headers}
        if batches[-1].append(**values) is None:
            batches.append(producer.create_batch())
            batches[-1].append(**values)
    return batches


@lru_cache(maxsize=65_536)
def _hash(key: bytes) -> int:
    """As every Kafka client hashes a key by default; the keys of living aggregates come again and again."""
    return int(murmur2(key)) & 0x7FFFFFFF
