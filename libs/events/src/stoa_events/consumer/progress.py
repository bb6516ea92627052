"""Noticing that nothing comes although there is more: a task inside aiokafka can die without a word."""

import asyncio
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from stoa_events.consumer.failures import SubscriptionFailed
from stoa_events.consumer.lanes import Lane
from stoa_events.consumer.settings import CALL_SECONDS

CHECK_EVERY_SECONDS = 30.0
PATIENCE = 3


class Progress:
    """Compares what the broker has with what the lanes that wait have got."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._stuck: dict[TopicPartition, tuple[int, int]] = {}

    async def check(self, lanes: Mapping[TopicPartition, Lane]) -> None:
        """Raises SubscriptionFailed when a partition has stood still at so many checks while the broker had more."""
        idle = [partition for partition, lane in lanes.items() if lane.is_waiting]
        try:
            async with asyncio.timeout(CALL_SECONDS):
                behind = await self._behind(idle)
        except (KafkaError, TimeoutError):
            return  # The broker is away or a rebalance is on: then nothing should come.
        self._stuck = {p: self._with_times_seen(p, position) for p, position in behind.items()}
        for partition, (_, times) in self._stuck.items():
            if times >= PATIENCE:
                raise SubscriptionFailed(f"Kafka has more of {partition.topic}, but nothing comes. Start again.")

    async def _behind(self, idle: list[TopicPartition]) -> dict[TopicPartition, int]:
        ends = await self._consumer.end_offsets(idle) if idle else {}
        positions = {partition: await self._consumer.position(partition) for partition in ends}
        return {partition: position for partition, position in positions.items() if position < ends[partition]}

    def _with_times_seen(self, partition: TopicPartition, position: int) -> tuple[int, int]:
        before, times = self._stuck.get(partition, (position, 0))
        return (position, times + 1) if before == position else (position, 1)
