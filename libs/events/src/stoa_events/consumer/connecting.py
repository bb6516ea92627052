"""Calls to a broker that may be away. aiokafka's own may then never return, so each has a deadline here."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError

from stoa_events.consumer.failures import SubscriptionFailed
from stoa_events.consumer.settings import CALL_SECONDS

log = logging.getLogger("stoa_events.consumer")
#: A partition that does not exist.
NOWHERE = TopicPartition("", 0)
LONGEST_WAIT_SECONDS = 5.0


async def connect(
    new_consumer: Callable[[], AIOKafkaConsumer], stopping: asyncio.Event, tick: Callable[[], None]
) -> AIOKafkaConsumer | None:
    """A started consumer, once a broker answers; None if it was stopped while it waited."""
    wait = 0.2
    while not stopping.is_set():
        tick()
        consumer = new_consumer()
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await consumer.start()
        except (KafkaConnectionError, TimeoutError):
            log.warning("Kafka does not answer; trying again in %.1f s", wait)
            await close(consumer)
        else:
            return consumer
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), wait)
        wait = min(wait * 2, LONGEST_WAIT_SECONDS)
    return None


async def close(consumer: AIOKafkaConsumer | None) -> None:
    if consumer is None:
        return
    try:
        async with asyncio.timeout(CALL_SECONDS):
            await consumer.stop()
    except (KafkaError, TimeoutError) as error:
        log.warning("Kafka did not hear that we leave: %s", type(error).__name__)
    except asyncio.CancelledError:
        # aiokafka lets those out of the tasks that it cancels itself, while the broker is away.
        if _is_cancelled():
            raise


async def warn_of_missing(consumer: AIOKafkaConsumer, topics: Collection[str]) -> None:
    """A wrong prefix would otherwise look like a platform where nothing happens."""
    try:
        async with asyncio.timeout(CALL_SECONDS):
            missing = sorted(set(topics) - await consumer.topics())
    except (KafkaError, TimeoutError):
        return
    if missing:
        log.warning("Not there, so waiting for it: %s. Is topic_prefix right?", ", ".join(missing))


async def show_presence(consumer: AIOKafkaConsumer) -> None:
    """Count as polling, although every partition may wait for a handler; raises what aiokafka's own tasks raised.

    Without this, the group would put us out after `max_poll_interval_ms`, and errors would wait for the next record.
    """
    try:
        async with asyncio.timeout(1):
            await consumer.getmany(NOWHERE, timeout_ms=0)
    except TimeoutError:
        return  # A rebalance is on.
    except asyncio.CancelledError:
        if _is_cancelled():
            raise
        raise SubscriptionFailed("A task inside aiokafka has ended. Start again.") from None
    except KafkaError as error:
        if not error.retriable:
            raise
        log.warning("Kafka: %s; reading on", type(error).__name__)


def _is_cancelled() -> bool:
    """Whether somebody wants this very task to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
