"""How far the groups are, as Kafka tells it: what they have committed, where the partitions end, what waits longest."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    KafkaError,
    NotCoordinatorForGroupError,
)
from aiokafka.structs import OffsetAndMetadata

from stoa_common.messaging.kafka import Cluster
from stoa_common.messaging.operations.domain import KafkaIsAway

DEADLINE_SECONDS: Final = 10.0
#: For the records that wait longest: their age is shown where it can be told soon.
PEEK_SECONDS: Final = 2.0
STOP_SECONDS: Final = 2.0
COORDINATOR_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Standing:
    """One group on one partition."""

    topic: str
    partition: int
    committed: int | None
    begin: int
    end: int
    oldest_at: datetime | None = None

    @property
    def next_offset(self) -> int:
        """What the group reads next: groups without a commit start at the beginning."""
        return max(self.committed or 0, self.begin)

    @property
    def lag(self) -> int:
        return max(self.end - self.next_offset, 0)


async def standings(cluster: Cluster, groups: Mapping[str, Iterable[str]]) -> dict[str, list[Standing]]:
    """Each group's place in each partition of its topics; raises KafkaIsAway."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS), _clients(cluster) as (admin, consumer):
            topics = {topic for of_group in groups.values() for topic in of_group}
            partitions = await _partitions(admin, cluster, topics)
            begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
            committed = {group: await _committed(admin, cluster.named(group)) for group in groups}
            found = {
                (group, p): _standing(cluster, p, committed[group], begins, ends)
                for group, of_group in groups.items()
                for p in partitions
                if cluster.own_name(p.topic) in set(of_group)
            }
            oldest = await _peek(consumer, {(p, s.next_offset) for (_, p), s in found.items() if s.lag})
    except (KafkaError, TimeoutError, OSError) as error:
        raise KafkaIsAway("Kafka did not say how far the groups are; try again in a moment.") from error
    told: dict[str, list[Standing]] = {group: [] for group in groups}
    for (group, p), standing in found.items():
        told[group].append(_dated(standing, oldest.get((p, standing.next_offset))))
    return told


async def _committed(admin: AIOKafkaAdminClient, group: str) -> Mapping[TopicPartition, OffsetAndMetadata]:
    """As far as the group is. A cluster that nobody has asked yet is still about to choose who keeps that."""
    while True:
        try:
            offsets: Mapping[TopicPartition, OffsetAndMetadata] = await admin.list_consumer_group_offsets(group)
        except (GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError):
            await asyncio.sleep(COORDINATOR_SECONDS)
        else:
            return offsets


@asynccontextmanager
async def _clients(cluster: Cluster) -> AsyncIterator[tuple[AIOKafkaAdminClient, AIOKafkaConsumer]]:
    timeout_ms = int(DEADLINE_SECONDS * 1000)
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.servers, request_timeout_ms=timeout_ms)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=cluster.servers, request_timeout_ms=timeout_ms, max_partition_fetch_bytes=65_536
    )
    try:
        await admin.start()
        await consumer.start()
        yield admin, consumer
    finally:
        for closing in (consumer.stop(), admin.close()):
            # A broker that is away must not keep the request.
            with contextlib.suppress(KafkaError, TimeoutError, OSError):
                await asyncio.wait_for(closing, STOP_SECONDS)


async def _partitions(admin: AIOKafkaAdminClient, cluster: Cluster, topics: set[str]) -> list[TopicPartition]:
    described = await admin.describe_topics([cluster.named(topic) for topic in sorted(topics)])
    return [
        TopicPartition(topic["topic"], partition["partition"])
        for topic in described
        if not topic["error_code"]
        for partition in sorted(topic["partitions"], key=lambda p: int(p["partition"]))
    ]


def _standing(
    cluster: Cluster,
    p: TopicPartition,
    committed: Mapping[Any, Any],
    begins: Mapping[Any, int],
    ends: Mapping[Any, int],
) -> Standing:
    offset = committed[p].offset if p in committed and committed[p].offset >= 0 else None
    return Standing(cluster.own_name(p.topic), p.partition, offset, begins[p], ends[p])


async def _peek(consumer: AIOKafkaConsumer, places: set[tuple[TopicPartition, int]]) -> dict[Any, datetime]:
    """When the records at these places were written, so far as they can be read soon."""
    found: dict[Any, datetime] = {}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PEEK_SECONDS):
            for partition, offset in sorted(places):
                consumer.assign([partition])
                consumer.seek(partition, offset)
                record = await consumer.getone(partition)
                found[partition, offset] = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    return found


def _dated(standing: Standing, oldest_at: datetime | None) -> Standing:
    return Standing(standing.topic, standing.partition, standing.committed, standing.begin, standing.end, oldest_at)
