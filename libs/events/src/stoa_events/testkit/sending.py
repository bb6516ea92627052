"""Sending events to a broker; needs the extra `stoa-events[kafka]`."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any

from stoa_events.contract import KAFKA_RETENTION, Event
from stoa_events.envelope import Envelope
from stoa_events.testkit.records import Message, a_record, an_envelope

SECONDS = 20.0


class TopicIsMissing(LookupError):
    """The broker has no such topic; the message says how to get it."""


async def publish(bootstrap_servers: str, *events: Event, topic_prefix: str = "", sequence: int = 1) -> list[Envelope]:
    """Send the events as Stoa would, in this order, and return their envelopes once the broker has them.

    The sequence of each subject counts from `sequence` within one call, and no call knows of another: for a subject of
    an earlier one, say where it goes on. Each event gets a new id. Raises TopicIsMissing, aiokafka's
    KafkaConnectionError and TimeoutError.
    """
    envelopes = _envelopes(events, first=sequence)
    messages = [a_record(event, envelope) for event, envelope in zip(events, envelopes, strict=True)]
    async with asyncio.timeout(SECONDS):
        await _check_topics(bootstrap_servers, {topic_prefix + message.topic for message in messages})
        await _send(bootstrap_servers, messages, topic_prefix)
    return envelopes


async def make_topics(bootstrap_servers: str, *topics: str, topic_prefix: str = "", partitions: int = 3) -> None:
    """Make these topics where they are missing, for a broker on which no Stoa runs; returns once they are there."""
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    async with asyncio.timeout(SECONDS):
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers.split(","))
        await admin.start()
        try:
            wanted = {topic_prefix + topic for topic in topics}
            missing = wanted - set(await admin.list_topics())
            config = {"retention.ms": str(int(KAFKA_RETENTION.total_seconds() * 1000))}
            await admin.create_topics(
                [NewTopic(topic, partitions, 1, topic_configs=config) for topic in sorted(missing)]
            )
            # The broker answers before all of it knows them.
            while not wanted <= set(await admin.list_topics()):  # noqa: ASYNC110  # only the broker knows when
                await asyncio.sleep(0.05)
        finally:
            await admin.close()


def _envelopes(events: Iterable[Event], *, first: int) -> list[Envelope]:
    seen: Counter[tuple[str, str]] = Counter()
    envelopes = []
    for event in events:
        subject = event.destination, event.subject
        envelopes.append(an_envelope(event, sequence=first + seen[subject]))
        seen[subject] += 1
    return envelopes


async def _check_topics(bootstrap_servers: str, topics: set[str]) -> None:
    from aiokafka.admin import AIOKafkaAdminClient

    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers.split(","))
    await admin.start()
    try:
        missing = sorted(topics - set(await admin.list_topics()))
    finally:
        await admin.close()
    if missing:
        raise TopicIsMissing(
            f"{bootstrap_servers} has no topic {', '.join(missing)}. A running Stoa makes its topics; check the "
            "prefix, or make them for a test with make_topics() or --make-topics."
        )


async def _send(bootstrap_servers: str, messages: Iterable[Message], topic_prefix: str) -> None:
    producer = _new_producer(bootstrap_servers)
    await producer.start()
    try:
        for message in messages:
            await producer.send_and_wait(
                topic_prefix + message.topic, message.value, key=message.key, headers=message.headers
            )
    finally:
        await producer.stop()


def _new_producer(bootstrap_servers: str) -> Any:
    from aiokafka import AIOKafkaProducer

    return AIOKafkaProducer(
        bootstrap_servers=bootstrap_servers.split(","), acks="all", enable_idempotence=True, compression_type="lz4"
    )
