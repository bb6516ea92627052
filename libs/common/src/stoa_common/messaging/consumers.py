"""The consumer role: everything that a process reads from Kafka, and whether it still reads."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER

from stoa_common.database import Database
from stoa_common.messaging import kafka
from stoa_common.messaging.batches import BatchLoop
from stoa_common.messaging.broadcasts import BroadcastLoop
from stoa_common.messaging.handling import Handling
from stoa_common.messaging.record import Record
from stoa_common.messaging.retrier import Retrier
from stoa_common.messaging.router import EventRouter
from stoa_common.resources import Resources

STOP_DEADLINE = 10.0


class ConsumerStopped(RuntimeError):
    """A consume loop ended although nobody stopped it; the process must go down with it."""


class Consumers:
    """Subscribes every router of a service; `run` returns only by an error or by cancellation."""

    def __init__(
        self,
        routers: Sequence[EventRouter],
        database: Database | None,
        resources: Resources,
        cluster: kafka.Cluster,
    ) -> None:
        self._cluster = cluster
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._broker = KafkaBroker(
            cluster.servers, graceful_timeout=STOP_DEADLINE, logger=None, allow_auto_create_topics=False
        )
        self._assignments: list[kafka.Assignment] = []
        self._handlings = self._subscribe_all(routers, database, resources)
        self._batches = [
            BatchLoop(router.group, batch, database, resources, cluster)
            for router in routers
            for batch in router.batches
            if database is not None
        ]
        self._assignments += [loop.assignment for loop in self._batches]
        self._broadcasts = [BroadcastLoop(b, resources, cluster) for router in routers for b in router.broadcasts]

    async def run(self) -> None:
        await kafka.wait_until_reachable(self._cluster)
        loops: list[BatchLoop | BroadcastLoop] = [*self._batches, *self._broadcasts]
        tasks = [asyncio.create_task(loop.run(), name=type(loop).__name__) for loop in loops]
        if self._handlings:
            await self._broker.start()
            tasks.append(asyncio.create_task(Retrier(self._handlings).run(), name="Retrier"))
        tasks.append(asyncio.create_task(self._watch(), name="watch"))
        try:
            await _first_failure(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.wait_for(self._broker.stop(), STOP_DEADLINE)

    def is_ready(self) -> bool:
        """Whether every group has had its partitions assigned (or was told that others hold them)."""
        return all(assignment.is_known for assignment in self._assignments)

    async def _watch(self) -> None:
        """A cancellation that leaks into FastStream ends its loop without a word; ping() would stay true."""
        while True:
            await asyncio.wait([self._failure], timeout=1)
            if self._failure.done():
                self._failure.result()
            if any(task.done() for s in self._broker.subscribers for task in getattr(s, "tasks", ())):
                raise ConsumerStopped("A consume loop ended by itself.")

    def _subscribe_all(
        self, routers: Sequence[EventRouter], database: Database | None, resources: Resources
    ) -> list[Handling]:
        reading = [router for router in routers if router.subscriptions]
        if reading and database is None:
            raise TypeError("Handlers with an inbox need a database.")
        handlings = [Handling(router, database, resources) for router in reading if database is not None]
        for handling in handlings:
            self._subscribe(handling)
        return handlings

    def _subscribe(self, handling: Handling) -> None:
        router = handling.router
        settings: dict[str, Any] = {**kafka.CONSUMER, **self._cluster.membership(router.group)}
        # FastStream spells two of aiokafka's settings in its own way.
        settings.pop("enable_auto_commit")
        assignment = kafka.Assignment()
        self._assignments.append(assignment)
        subscriber = self._broker.subscriber(
            *(self._cluster.named(topic) for topic in router.topics),
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
            max_workers=1,
            parser=_parse_nothing,
            decoder=_decode_nothing,
            listener=assignment,
            **settings,
        )

        @subscriber  # type: ignore[untyped-decorator]  # FastStream's own
        async def take(message: KafkaMessage) -> None:
            record = Record.of(message.raw_message, self._cluster)
            await self._settle(handling, record)
            if subscriber.consumer is not None:
                partition = TopicPartition(self._cluster.named(record.topic), record.partition)
                await subscriber.consumer.commit({partition: record.offset + 1})

    async def _settle(self, handling: Handling, record: Record) -> None:
        """FastStream swallows what a handler raises and reads on: an unsettled event would be committed over."""
        try:
            await handling.take(record)
        except Exception as error:  # noqa: BLE001  # handed on whole, to end the process
            if not self._failure.done():
                self._failure.set_exception(error)
            await asyncio.Event().wait()


async def _parse_nothing(raw: Any) -> KafkaMessage:
    """FastStream would decode the headers, and drop the event where one is null or not UTF-8."""
    return KafkaMessage(
        body=raw.value or b"",
        raw_message=raw,
        headers={},
        reply_to="",
        content_type="application/json",
        message_id=f"{raw.topic}-{raw.partition}-{raw.offset}",
        correlation_id="",
        consumer=FAKE_CONSUMER,
    )


async def _decode_nothing(message: KafkaMessage) -> bytes:
    return bytes(message.body)


async def _first_failure(tasks: Sequence["asyncio.Task[None]"]) -> None:
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
        raise ConsumerStopped(f"{task.get_name()} ended by itself.")
