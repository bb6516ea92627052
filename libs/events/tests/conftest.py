"""The real broker, and topics and a group of one's own on it."""

import asyncio
import logging
import os
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from stoa_events.consumer import Retry, Subscriber
from stoa_events.testkit import make_topics

logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
TOPICS = ("content.enrollment", "content.course", "content.attempt", "auth.user")
#: Longer than anything takes on a machine that is busy with other things.
PATIENCE = 60.0


@pytest.fixture(scope="session")
def kafka() -> str:
    """The broker's address."""
    try:
        return os.environ["STOA_TEST_KAFKA_BOOTSTRAP_SERVERS"]
    except KeyError as missing:
        pytest.exit(f"{missing.args[0]} is not set. Run the tests with: stoa with-servers -- pytest ...", returncode=4)


@pytest_asyncio.fixture
async def prefix(kafka: str) -> str:
    """Topics that no other test has."""
    prefix = f"events-{secrets.token_hex(5)}."
    await make_topics(kafka, *TOPICS, topic_prefix=prefix, partitions=2)
    return prefix


@pytest.fixture
def subscriber(kafka: str, prefix: str) -> Subscriber:
    """One that tries quickly."""
    return Subscriber(
        kafka, group="tests.reader", topic_prefix=prefix, retry=Retry(attempts=3, first_wait_seconds=0.01)
    )


@pytest_asyncio.fixture
async def running() -> AsyncIterator[Callable[[Subscriber], "asyncio.Task[None]"]]:
    """Runs subscribers until the test's end."""
    started: list[tuple[Subscriber, asyncio.Task[None]]] = []

    def run(subscriber: Subscriber) -> "asyncio.Task[None]":
        task = asyncio.create_task(subscriber.run())
        started.append((subscriber, task))
        return task

    yield run
    for subscriber, _ in started:
        subscriber.stop()
    await asyncio.gather(*(task for _, task in started), return_exceptions=True)


async def send_raw(kafka: str, topic: str, *records: Mapping[str, Any]) -> None:
    """Records exactly so, however bad, all to the first partition."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        for record in records:
            await producer.send_and_wait(topic, partition=0, **record)
    finally:
        await producer.stop()


async def until(condition: Callable[[], object], *, task: "asyncio.Task[None] | None" = None) -> None:
    """Waits for it to become true; raises what the task raises first."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            if task is not None and task.done():
                task.result()
            await asyncio.sleep(0.02)
