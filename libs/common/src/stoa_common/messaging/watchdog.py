"""Notices a Kafka client that has stopped hearing the broker although a new one is answered.

Such a client logs nothing and stays in its group until it is thrown out; only a new process mends it. So the consumer
role ends, and whoever runs it starts it again.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Final, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from stoa_common.messaging import kafka

LOOK_SECONDS: Final = 5.0
#: Longer than a broker takes to come back, and to give a partition another leader.
PATIENCE_SECONDS: Final = 45.0


class Reader(Protocol):
    """What reads for a group."""

    group: str

    @property
    def consumer(self) -> AIOKafkaConsumer | None: ...


class ClientIsStuck(RuntimeError):
    """A group's client gets no answer to what the broker answers others."""


async def watch(
    readers: Sequence[Reader],
    cluster: kafka.Cluster,
    *,
    look_seconds: float = LOOK_SECONDS,
    patience_seconds: float = PATIENCE_SECONDS,
) -> None:
    """Runs until a client has been stuck for so long. Raises ClientIsStuck."""
    stuck_since: dict[str, float] = {}
    while True:
        await asyncio.sleep(look_seconds)
        for reader in readers:
            if not await _is_stuck(reader.consumer, cluster):
                stuck_since.pop(reader.group, None)
                continue
            since = stuck_since.setdefault(reader.group, time.monotonic())
            if time.monotonic() - since > patience_seconds:
                raise ClientIsStuck(f"The Kafka client of {reader.group} hears nothing, and a new one does.")


async def _is_stuck(consumer: AIOKafkaConsumer | None, cluster: kafka.Cluster) -> bool:
    """Whether it cannot tell what a new client can: where its first partition ends."""
    partitions = list(consumer.assignment())[:1] if consumer is not None else []
    if consumer is None or not partitions or await _can_tell(consumer, partitions):
        return False
    new = AIOKafkaConsumer(bootstrap_servers=cluster.servers)
    try:
        await asyncio.wait_for(new.start(), kafka.PING_SECONDS)
        return await _can_tell(new, partitions)
    except (KafkaError, TimeoutError, OSError):
        return False
    finally:
        await new.stop()


async def _can_tell(consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> bool:
    try:
        await asyncio.wait_for(consumer.end_offsets(partitions), kafka.PING_SECONDS)
    except (KafkaError, TimeoutError):
        return False
    return True
