"""Lanes: each partition's records in order, the partitions side by side; offsets are committed after what they cover.

A slow handler, or one that waits for its database, holds its own partition and no other.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from stoa_common import clock, failpoints, failures, logs
from stoa_common.messaging.record import Record

#: A lane with so many waiting records takes no more from Kafka until half of them are settled.
CAPACITY: Final = 500
#: How long a partition that goes to another member may finish the record in hand.
LEAVING_SECONDS: Final = 5.0
COMMIT_RETRY_SECONDS: Final = 0.2
#: What is handled in between is handled again after a crash, and the inbox notices.
COMMIT_PAUSE_SECONDS: Final = 0.05
log = logs.get_logger()
Settle = Callable[[Record], Awaitable[object]]


class Lane:
    """One partition's records that are read and not settled."""

    def __init__(self) -> None:
        self.records: deque[Record] = deque()
        self.task: asyncio.Task[None] | None = None
        self.is_paused = False


class Lanes:
    """One consumer's lanes. `failed` gets the first error that is nobody's to swallow."""

    def __init__(self, settle: Settle, committer: "Committer", failed: "asyncio.Future[None]") -> None:
        self._settle = settle
        self._committer = committer
        self._failed = failed
        self._lanes: dict[TopicPartition, Lane] = {}

    def add(self, partition: TopicPartition, record: Record) -> None:
        """Queue a record behind its partition's others."""
        lane = self._lanes.setdefault(partition, Lane())
        lane.records.append(record)
        if len(lane.records) >= CAPACITY and not lane.is_paused:
            lane.is_paused = self._committer.pause(partition)
        if lane.task is None:
            lane.task = asyncio.create_task(self._drive(partition, lane), name=f"lane {partition}")

    async def leave(self, partitions: Iterable[TopicPartition]) -> None:
        """Forget what waits; give what is in hand a moment, so that the next owner need not do it again."""
        lanes = [self._lanes.pop(partition) for partition in partitions if partition in self._lanes]
        for lane in lanes:
            # The head stays until it is settled: it is in hand.
            while len(lane.records) > 1:
                lane.records.pop()
        if running := [lane.task for lane in lanes if lane.task is not None]:
            _, late = await asyncio.wait(running, timeout=LEAVING_SECONDS)
            # Slow, or held: its transaction is rolled back, and the next owner handles it.
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._committer.flush(), LEAVING_SECONDS)

    async def forget(self, partition: TopicPartition) -> None:
        """Leave what waits and what is in hand, as a crash would: the partition is read from elsewhere now."""
        lane = self._lanes.pop(partition, None)
        if lane is not None:
            lane.records.clear()
            if lane.task is not None:
                lane.task.cancel()
                await asyncio.wait([lane.task])
        await self._committer.forget(partition)

    def oldest_age(self) -> float:
        """Seconds since the oldest unsettled record was published; 0 where nothing waits."""
        heads = [lane.records[0].timestamp_ms for lane in self._lanes.values() if lane.records]
        return max(0.0, clock.now().timestamp() - min(heads) / 1000) if heads else 0.0

    async def stop(self) -> None:
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _drive(self, partition: TopicPartition, lane: Lane) -> None:
        try:
            while lane.records:
                record = lane.records[0]
                await self._settle(record)
                failpoints.reach("consumer.committed")
                lane.records.popleft()
                self._committer.settled(partition, record.offset)
                if lane.is_paused and len(lane.records) <= CAPACITY // 2:
                    lane.is_paused = not self._committer.resume(partition)
        except Exception as error:  # noqa: BLE001  # handed on whole, to end the process
            if not self._failed.done():
                self._failed.set_exception(error)
        finally:
            lane.task = None


class Committer:
    """Commits the newest settled offset of each partition, again and again as soon as there is a newer one."""

    def __init__(self) -> None:
        self.consumer: AIOKafkaConsumer | None = None
        self._offsets: dict[TopicPartition, int] = {}
        self._is_due = asyncio.Event()
        self._turn = asyncio.Lock()

    def settled(self, partition: TopicPartition, offset: int) -> None:
        self._offsets[partition] = offset + 1
        self._is_due.set()

    async def forget(self, partition: TopicPartition) -> None:
        """Commit nothing more of what was settled until now; a commit that is under way ends first."""
        async with self._turn:
            self._offsets.pop(partition, None)
        self.resume(partition)

    def pause(self, partition: TopicPartition) -> bool:
        return self._ask("pause", partition)

    def resume(self, partition: TopicPartition) -> bool:
        return self._ask("resume", partition)

    async def run(self) -> None:
        """Runs until cancelled."""
        while True:
            await self._is_due.wait()
            self._is_due.clear()
            answered = await self.flush()
            await asyncio.sleep(COMMIT_PAUSE_SECONDS if answered else COMMIT_RETRY_SECONDS)

    async def flush(self) -> bool:
        """Commit what is settled; False where the broker is away, and it has to be tried again."""
        async with self._turn:
            return await self._commit()

    async def _commit(self) -> bool:
        offsets, self._offsets = self._mine(self._offsets), {}
        if not offsets or self.consumer is None:
            return True
        try:
            await self.consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError):
            # Lost in a rebalance: the new owner reads them again, and the inbox notices.
            return True
        except Exception as error:
            if not failures.is_infrastructure(error):
                raise
            log.warning("offsets_held", error=type(error).__name__)
            self._offsets = offsets | self._offsets
            self._is_due.set()
            return False
        return True

    def _mine(self, offsets: dict[TopicPartition, int]) -> dict[TopicPartition, int]:
        held: Any = self.consumer.assignment() if self.consumer else ()
        return {partition: offset for partition, offset in offsets.items() if partition in held}

    def _ask(self, action: str, partition: TopicPartition) -> bool:
        try:
            getattr(self.consumer, action)(partition)
        except (IllegalStateError, AttributeError):
            return False
        return True
