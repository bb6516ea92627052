"""This process's part of the group: a lane for each partition that it holds, begun and ended as Kafka says."""

import asyncio
from collections.abc import Collection

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from stoa_events.consumer.handling import Handling
from stoa_events.consumer.lanes import Lane, Offsets
from stoa_events.consumer.settings import REVOKE_SECONDS


class Group(ConsumerRebalanceListener):  # type: ignore[misc]  # untyped
    """Hears of assignments; `failure` gets the error of the first lane that ends by one."""

    def __init__(self, consumer: AIOKafkaConsumer, handling: Handling, *, topic_prefix: str) -> None:
        self._consumer, self._handling, self._prefix = consumer, handling, topic_prefix
        self._offsets = Offsets(consumer)
        self._is_closed = False
        self.lanes: dict[TopicPartition, Lane] = {}
        self.is_assigned = False
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:  # noqa: ARG002  # always all
        """Kafka waits for this: a handler in the middle finishes and its offset counts, then another member goes on."""
        await self._end_lanes(within=REVOKE_SECONDS)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        if self._is_closed:
            return
        self._offsets = Offsets(self._consumer)
        self.lanes = {partition: self._begin(partition) for partition in assigned}
        self.is_assigned = True

    async def commit(self) -> None:
        await self._offsets.commit()

    async def close(self, *, within: float) -> None:
        self._is_closed = True
        await self._end_lanes(within=within)
        # A lane that fails while we leave has lost nothing: its record comes again. Asked for, so that nobody warns.
        if self.failure.done():
            self.failure.exception()

    async def _end_lanes(self, *, within: float) -> None:
        lanes, self.lanes = self.lanes, {}
        await asyncio.gather(*(lane.end(within=within) for lane in lanes.values()))
        await self._offsets.commit()

    def _begin(self, partition: TopicPartition) -> Lane:
        lane = Lane(self._consumer, partition, self._handling, self._offsets, self._prefix)
        lane.task.add_done_callback(self._hear)
        return lane

    def _hear(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled() or task.exception() is None or self.failure.done():
            return
        self.failure.set_exception(task.exception() or AssertionError)
