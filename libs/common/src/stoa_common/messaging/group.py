"""One group's reader: FastStream takes records from Kafka, lanes settle them.

Everything in FastStream's defaults that loses an event or moves it is switched off here, and nowhere else.
"""

import asyncio
import contextlib
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER

from stoa_common.messaging import kafka
from stoa_common.messaging.handling import Handling
from stoa_common.messaging.lanes import Committer, Lanes
from stoa_common.messaging.record import Record
from stoa_common.messaging.replay.records import replay_topic

STOP_DEADLINE: Final = 10.0
POLL_MS: Final = 1_000
MAX_RECORDS: Final = 500


class LoopEnded(RuntimeError):
    """FastStream's consume loop ended by itself."""


class GroupReader:
    """Reads what one router handles. `run` returns only by an error or by cancellation."""

    def __init__(self, handling: Handling, cluster: kafka.Cluster) -> None:
        self.group = handling.router.group
        self._cluster = cluster
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._seen: dict[TopicPartition, int] = {}
        self._committer = Committer()
        self._lanes = Lanes(handling.take, self._committer, self._failed)
        self.assignment = kafka.Assignment(self._lanes.leave)
        self._broker = KafkaBroker(
            cluster.servers, graceful_timeout=STOP_DEADLINE, logger=None, allow_auto_create_topics=False
        )
        self._subscriber = self._subscribe([*handling.router.topics, replay_topic(self.group)])

    async def run(self) -> None:
        committing = asyncio.create_task(self._committer.run(), name=f"offsets of {self.group}")
        try:
            await self._broker.start()
            self._committer.consumer = self.consumer
            kafka.assert_safe(self.consumer)
            await self._watch(committing)
        finally:
            await self._lanes.stop()
            with contextlib.suppress(TimeoutError, KafkaError):
                await asyncio.wait_for(self._committer.flush(), STOP_DEADLINE / 2)
            committing.cancel()
            await asyncio.wait([committing])
            with contextlib.suppress(TimeoutError, KafkaError):
                await asyncio.wait_for(self._broker.stop(), STOP_DEADLINE)

    def oldest_age(self) -> float:
        """Seconds since the oldest record that was read and is not settled was published."""
        return self._lanes.oldest_age()

    def lags(self) -> dict[TopicPartition, int]:
        return kafka.lags(self.consumer, self._seen)

    async def ping(self) -> None:
        await kafka.ping(self.consumer)

    async def move(self, partition: TopicPartition, offset: int) -> None:
        """Read on from this offset, and commit it. Raises IllegalStateError where another member holds it now."""
        await self._lanes.forget(partition)
        if self.consumer is None:
            raise IllegalStateError(f"{self.group} reads nothing yet.")
        self.consumer.seek(partition, offset)
        await self.consumer.commit({partition: offset})

    @property
    def consumer(self) -> AIOKafkaConsumer | None:
        return self._subscriber.consumer

    async def _watch(self, committing: "asyncio.Task[None]") -> None:
        """A cancellation that leaks into FastStream ends its loop without a word; ping() would stay true."""
        while True:
            await asyncio.wait([self._failed, committing], timeout=1, return_when=asyncio.FIRST_COMPLETED)
            if self._failed.done():
                self._failed.result()
            if committing.done():
                committing.result()
            if any(task.done() for task in getattr(self._subscriber, "tasks", ())):
                raise LoopEnded(f"The consume loop of {self.group} ended by itself.")

    def _subscribe(self, topics: list[str]) -> Any:
        settings: dict[str, Any] = {**kafka.CONSUMER, **self._cluster.membership(self.group)}
        # FastStream derives it from the acknowledgement policy.
        settings.pop("enable_auto_commit")
        subscriber = self._broker.subscriber(
            *(self._cluster.named(topic) for topic in topics),
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
            max_workers=1,
            # What a poll brought comes at once: FastStream's way to the handler costs as much as a handler.
            batch=True,
            batch_timeout_ms=POLL_MS,
            max_records=MAX_RECORDS,
            parser=_parse_nothing,
            decoder=_decode_nothing,
            listener=self.assignment,
            **settings,
        )

        @subscriber  # type: ignore[untyped-decorator]  # FastStream's own
        async def take(message: KafkaMessage) -> None:
            raws: Any = message.raw_message
            for raw in raws:
                partition = TopicPartition(raw.topic, raw.partition)
                self._seen[partition] = raw.offset
                self._lanes.add(partition, Record.of(raw, self._cluster))

        return subscriber


async def _parse_nothing(raws: Any) -> KafkaMessage:
    """FastStream would decode the headers, and drop the event where one is null or not UTF-8."""
    return KafkaMessage(
        body=[],
        raw_message=raws,
        headers={},
        reply_to="",
        content_type="application/json",
        message_id="",
        correlation_id="",
        consumer=FAKE_CONSUMER,
    )


async def _decode_nothing(_message: KafkaMessage) -> list[bytes]:
    return []
