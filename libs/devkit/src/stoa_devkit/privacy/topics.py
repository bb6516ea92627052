"""Every record on Kafka: its key, its headers, its value; from the first that is kept to the last at the start."""

import asyncio
import contextlib
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from stoa_devkit.privacy.findings import Findings
from stoa_devkit.privacy.needles import ID, Needles

_REASON: Final = "events name people by their ids for as long as Kafka keeps them; what is personal in them is sealed"
START_SECONDS: Final = 20.0
STOP_SECONDS: Final = 3.0
POLL_MS: Final = 1000


async def look(servers: str, prefix: str, needles: Needles, findings: Findings) -> None:
    findings.looked_at.append("kafka: topics")
    consumer = AIOKafkaConsumer(bootstrap_servers=servers.split(","), auto_offset_reset="earliest")
    try:
        async with asyncio.timeout(START_SECONDS):
            await consumer.start()
        await _read_all(consumer, prefix, needles, findings)
    except (KafkaError, TimeoutError, OSError) as error:
        findings.miss("kafka", f"it does not answer at {servers} ({type(error).__name__})")
    finally:
        # With the broker away, stop() may wait for ever.
        with contextlib.suppress(KafkaError, TimeoutError, OSError):
            await asyncio.wait_for(consumer.stop(), STOP_SECONDS)


async def _read_all(consumer: AIOKafkaConsumer, prefix: str, needles: Needles, findings: Findings) -> None:
    places = await _assigned(consumer, prefix)
    if not places:
        findings.miss("kafka", f"no topic has the prefix {prefix!r}: is KAFKA_TOPIC_PREFIX the platform's?")
        return
    ends = await consumer.end_offsets(places)
    await consumer.seek_to_beginning(*places)
    while unread := [place for place in places if await consumer.position(place) < ends[place]]:
        for place, records in (await consumer.getmany(*unread, timeout_ms=POLL_MS)).items():
            for record in records:
                _look_at(record, place.topic.removeprefix(prefix), needles, findings)


async def _assigned(consumer: AIOKafkaConsumer, prefix: str) -> list[TopicPartition]:
    """All partitions of all topics of ours: without a group, a consumer takes all that it subscribes to itself."""
    topics = {topic for topic in await consumer.topics() if topic.startswith(prefix) and not topic.startswith("__")}
    if not topics:
        return []
    consumer.subscribe(sorted(topics))
    async with asyncio.timeout(START_SECONDS):
        while {place.topic for place in consumer.assignment()} != topics:  # noqa: ASYNC110  # it is asked, never told
            await asyncio.sleep(0.05)
    return list(consumer.assignment())


def _look_at(record: Any, topic: str, needles: Needles, findings: Findings) -> None:
    headers = [part for name, value in record.headers for part in (name.encode(), value)]
    for name in needles.found_in([record.key, record.value, *headers]):
        if name == ID:
            findings.keep(f"kafka: topic {topic}", _REASON)
        else:
            findings.add(f"kafka: topic {topic}", name)
