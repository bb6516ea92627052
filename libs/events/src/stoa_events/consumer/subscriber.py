"""The subscriber: which events, which handlers, and the life of one consumer."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer

from stoa_events.consumer import connecting, signals
from stoa_events.consumer.counts import Counts, Outcome
from stoa_events.consumer.failures import FailurePolicy, Retry, SubscriptionFailed, stop
from stoa_events.consumer.group import Group
from stoa_events.consumer.handling import Handler, Handling
from stoa_events.consumer.inbox import Inbox
from stoa_events.consumer.progress import CHECK_EVERY_SECONDS, Progress
from stoa_events.consumer.record import Message, Record
from stoa_events.consumer.settings import COMMIT_EVERY_SECONDS, STOP_SECONDS, check_connection, new_consumer
from stoa_events.contract import Event
from stoa_events.envelope import Envelope

E = TypeVar("E", bound=Event)
log = logging.getLogger("stoa_events.consumer")
#: Longer than all deadlines within one round of the watch together.
SILENCE_SECONDS = 60.0


class Subscriber:
    """Reads the topics of the events that it has handlers for, as one member of a group.

    `group` names who reads, and why (`billing.enrollments`); its members share the partitions. `topic_prefix` is the
    platform's KAFKA_TOPIC_PREFIX, if it has one. Further arguments are aiokafka's for reaching a cluster
    (`security_protocol`, `sasl_...`, `ssl_context`); everything else is fixed.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        *,
        group: str,
        topic_prefix: str = "",
        group_instance_id: str | None = None,
        retry: Retry | None = None,
        on_failure: FailurePolicy = stop,
        inbox: Inbox | None = None,
        **connection: Any,
    ) -> None:
        self._servers = bootstrap_servers.split(",")
        self._group_id, self._group_instance_id = topic_prefix + group, group_instance_id
        self._prefix = topic_prefix
        self._connection = check_connection(connection)
        self._events: dict[str, type[Event]] = {}
        self._handlers: dict[str, Handler] = {}
        self._handling = Handling(self._handlers, retry or Retry(), on_failure, inbox)
        self._stopping = asyncio.Event()
        self._group: Group | None = None
        self._last_tick: float | None = None

    def on(
        self, event: type[E]
    ) -> Callable[[Callable[[E, Envelope], Awaitable[None]]], Callable[..., Awaitable[None]]]:
        """Register the handler of an event: an `async def`, bound methods too; one an event."""
        if event.type in self._handlers:
            raise TypeError(f"{event.type} has a handler already.")
        if "{" in event.topic:
            raise TypeError(f"{event.type} has no topic of its own to subscribe to.")

        def register(handler: Callable[[E, Envelope], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
            if not _is_async(handler):
                raise TypeError(f"The handler of {event.type} must be an `async def`: it is awaited.")
            self._events[event.type] = event
            self._handlers[event.type] = handler
            return handler

        return register

    @property
    def counts(self) -> Counts:
        return self._handling.counts

    @property
    def is_ready(self) -> bool:
        """Whether the group has told this member its partitions, which may be none."""
        return self._group is not None and self._group.is_assigned

    @property
    def is_alive(self) -> bool:
        """Whether `run` is at work, be it waiting for the broker. False: let the process be restarted."""
        return self._last_tick is not None and monotonic() - self._last_tick < SILENCE_SECONDS

    def stop(self) -> None:
        """Let `run` return after the handlers in hand."""
        self._stopping.set()

    async def handle(self, message: Message) -> Outcome:
        """Do with one record, without a broker, what `run` does with each; for tests of handlers and failure policies.

        Takes the test kit's `a_record(event)`. Raises what `on_failure` raises.
        """
        return await self._handling.settle(Record.without_broker(message), asyncio.sleep)

    async def run(self) -> None:
        """Read until SIGTERM, SIGINT or `stop`, which let the handlers in hand finish; a cancellation does not.

        Waits for a broker that is away, now or later. Raises SubscriptionFailed by the default policy, what
        `on_failure` raises, and aiokafka's KafkaError for what waiting does not mend, such as missing rights.
        """
        if not self._handlers:
            raise SubscriptionFailed("There is no handler: register one with @subscriber.on(Event) before run().")
        self._last_tick = monotonic()
        with signals.calling(self.stop):
            consumer = await connecting.connect(self._new_consumer, self._stopping, self._tick)
            try:
                if consumer is not None:
                    await self._read(consumer)
            finally:
                self._last_tick, self._group = None, None
                await connecting.close(consumer)

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        topics = sorted({self._prefix + event.topic for event in self._events.values()})
        await connecting.warn_of_missing(consumer, topics)
        self._group = group = Group(consumer, self._handling, topic_prefix=self._prefix)
        consumer.subscribe(topics, listener=group)
        log.info("Reading %s as %s", ", ".join(topics), self._group_id)
        patience = STOP_SECONDS
        try:
            await self._watch(consumer, group)
        except asyncio.CancelledError:
            patience = 0.0
            raise
        finally:
            await group.close(within=patience)

    async def _watch(self, consumer: AIOKafkaConsumer, group: Group) -> None:
        progress, checked = Progress(consumer), monotonic()
        while not self._stopping.is_set():
            self._tick()
            await asyncio.wait([group.failure], timeout=COMMIT_EVERY_SECONDS)
            if group.failure.done():
                group.failure.result()
            await group.commit()
            await connecting.show_presence(consumer)
            if monotonic() - checked > CHECK_EVERY_SECONDS:
                await progress.check(group.lanes)
                checked = monotonic()

    def _tick(self) -> None:
        self._last_tick = monotonic()

    def _new_consumer(self) -> AIOKafkaConsumer:
        return new_consumer(
            self._servers,
            group_id=self._group_id,
            group_instance_id=self._group_instance_id,
            connection=self._connection,
        )


def _is_async(handler: Callable[..., object]) -> bool:
    # Decorators that keep `__wrapped__` are looked through, and objects may have an async `__call__`.
    inner = inspect.unwrap(handler)
    return inspect.iscoroutinefunction(inner) or inspect.iscoroutinefunction(getattr(inner, "__call__", None))  # noqa: B004
