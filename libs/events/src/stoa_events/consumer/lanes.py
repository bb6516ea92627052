"""Partitions side by side, each in its own order, and the offsets that they have settled."""

import asyncio
import logging

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from stoa_events.consumer.failures import SubscriptionFailed
from stoa_events.consumer.handling import Handling
from stoa_events.consumer.record import Record
from stoa_events.consumer.settings import CALL_SECONDS

log = logging.getLogger("stoa_events.consumer")
RECORDS_AT_ONCE = 100
#: A call that returns this often also hears of errors in aiokafka's own tasks.
POLL_MS = 5_000


class LaneEnded(Exception):
    """The partition goes elsewhere or the subscriber stops; the record in hand is left to whoever has it next."""


class Lane:
    """One partition: its records, one after the other."""

    def __init__(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, handling: Handling, offsets: "Offsets", prefix: str
    ) -> None:
        self._consumer, self._partition, self._handling = consumer, partition, handling
        self._offsets, self._prefix = offsets, prefix
        self._ending = asyncio.Event()
        #: Whether it has nothing in hand.
        self.is_waiting = True
        self.task = asyncio.create_task(self._run(), name=f"{partition.topic}-{partition.partition}")

    async def end(self, *, within: float) -> None:
        """Let the handler finish, for so many seconds; then cancel it. Its record comes again elsewhere."""
        self._ending.set()
        if not self.is_waiting:
            await asyncio.wait([self.task], timeout=within)
        self.task.cancel()
        await asyncio.wait([self.task], timeout=CALL_SECONDS)

    async def _run(self) -> None:
        try:
            while True:
                for record in await self._fetch():
                    await self._handling.settle(record, self._pause)
                    self._offsets.settle(self._partition, record.offset)
                    if self._ending.is_set():
                        return
        except LaneEnded:
            return
        except asyncio.CancelledError:
            if self._ending.is_set():
                raise
            # It would look as if we had been stopped.
            raise SubscriptionFailed("A task inside aiokafka has ended. Start again.") from None

    async def _fetch(self) -> list[Record]:
        self.is_waiting = True
        try:
            found = await self._consumer.getmany(self._partition, timeout_ms=POLL_MS, max_records=RECORDS_AT_ONCE)
        except KafkaError as error:
            if not error.retriable:
                raise
            log.warning("Kafka: %s; reading on", type(error).__name__)
            await asyncio.sleep(1)
            return []
        self.is_waiting = False
        return [Record.of(raw, topic_prefix=self._prefix) for raw in found.get(self._partition, ())]

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._ending.wait(), seconds)
        except TimeoutError:
            return
        raise LaneEnded


class Offsets:
    """Commits, per partition, the offset after the newest record that is settled.

    One an assignment: a lane that outlives its partition's assignment can't spoil the commits of the next.
    """

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._settled: dict[TopicPartition, int] = {}
        self._committed: dict[TopicPartition, int] = {}

    def settle(self, partition: TopicPartition, offset: int) -> None:
        self._settled[partition] = offset + 1

    async def commit(self) -> None:
        """Commit what is new. A failure is no loss: the records come again."""
        due = {p: offset for p, offset in self._settled.items() if self._committed.get(p) != offset}
        if not due:
            return
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await self._consumer.commit(due)
        except (CommitFailedError, IllegalStateError):
            log.warning("The group was rebalanced before a commit; some events come again.")
        except TimeoutError:
            log.warning("Kafka does not take a commit; trying again.")
            return
        self._committed.update(due)
