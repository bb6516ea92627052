"""Reads what is true after a run, from each place on its own."""

import hashlib
import json
from typing import Any
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from stoa_events.envelope import BadEnvelope, Envelope

from .ledger import Ledger
from .system import PARTITIONS, System
from .truth import COPY_GROUP, GROUP, Effect, Logged, Parked, Place, Streamed, Total, Truth, points_of

TOPICS = ("content.attempt", "content.enrollment")
FAULT_HEADER = "fault"
READ_SECONDS = 20


async def read_truth(system: System, ledger: Ledger) -> Truth:
    """Everything, once the system rests."""
    truth = Truth(intents=ledger.read())
    await _read_log(system.urls["enroller"].url, truth)
    await _read_stream(system, truth)
    await _read_reader(system.urls["reader"].url, truth)
    return truth


async def backlog(system: System) -> dict[str, int]:
    """What still waits, by where it waits; all zero means rest. Raises OSError and the like while a server is away."""
    publisher = await asyncpg.connect(system.urls["enroller"].url, timeout=5)
    try:
        waiting = await publisher.fetchval("SELECT count(*) FROM outbox")
    finally:
        await publisher.close()
    reader = await asyncpg.connect(system.urls["reader"].url, timeout=5)
    try:
        # What a fault of ours put on Kafka may be parked for ever; what the relay put there has to come through.
        parked = await reader.fetchval("SELECT count(*) FROM parked WHERE " + _OURS)
    finally:
        await reader.close()
    return {"outbox": waiting, "parked": parked, **await _lag(system)}


_OURS = "NOT EXISTS (SELECT 1 FROM jsonb_array_elements(headers) AS header WHERE header ->> 0 = 'fault')"


async def _lag(system: System) -> dict[str, int]:
    admin = AIOKafkaAdminClient(bootstrap_servers=system.stage.kafka)
    consumer = AIOKafkaConsumer(bootstrap_servers=system.stage.kafka)
    await admin.start()
    await consumer.start()
    try:
        ends = await consumer.end_offsets(_partitions(system.prefix))
        lags = {}
        for group in (GROUP, COPY_GROUP):
            offsets = await admin.list_consumer_group_offsets(system.prefix + group)
            done = {partition: offset.offset for partition, offset in offsets.items()}
            lags[group] = sum(end - max(done.get(partition, 0), 0) for partition, end in ends.items())
        return lags
    finally:
        await consumer.stop()
        await admin.close()


def _partitions(prefix: str) -> list[TopicPartition]:
    return [TopicPartition(prefix + topic, number) for topic in TOPICS for number in range(PARTITIONS)]


async def _read_log(url: str, truth: Truth) -> None:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            query = "SELECT id, topic, key, type, sequence, data FROM event_log WHERE topic = ANY($1)"
            async for row in connection.cursor(query, list(TOPICS), prefetch=2000):
                truth.log[row["id"]] = _logged(row)
    finally:
        await connection.close()


def _logged(row: Any) -> Logged:
    data = json.loads(row["data"])
    return Logged(
        row["id"],
        (row["topic"], row["key"]),
        row["type"],
        row["sequence"],
        UUID(data["course_id"]),
        points_of(row["type"], data),
        hashlib.md5(row["data"].encode(), usedforsecurity=False).hexdigest(),
    )


async def _read_stream(system: System, truth: Truth) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=system.stage.kafka, fetch_max_bytes=16_000_000)
    await consumer.start()
    try:
        partitions = _partitions(system.prefix)
        ends = await consumer.end_offsets(partitions)
        consumer.assign([partition for partition in partitions if ends[partition]])
        await consumer.seek_to_beginning()
        left = {partition for partition in partitions if ends[partition]}
        while left:
            fetched = await consumer.getmany(timeout_ms=READ_SECONDS * 1000, max_records=5000)
            if not fetched:
                raise TimeoutError(f"Kafka gave nothing for {READ_SECONDS} s, and {left} are not at their end.")
            for raws in fetched.values():
                truth.stream += [_streamed(raw, system.prefix) for raw in raws]
            left = {partition for partition in left if await consumer.position(partition) < ends[partition]}
    finally:
        await consumer.stop()


def _streamed(raw: Any, prefix: str) -> Streamed:
    topic = raw.topic.removeprefix(prefix)
    place: Place = (topic, raw.partition, raw.offset)
    key = (topic, (raw.key or b"").decode(errors="replace"))
    fault = next((value.decode() for name, value in raw.headers if name == FAULT_HEADER and value), None)
    try:
        envelope = Envelope.from_headers(raw.headers)
    except BadEnvelope:
        return Streamed(place, key, fault=fault)
    return Streamed(
        place, key, envelope.id, envelope.type, envelope.sequence, _command(raw.value) if fault is None else None, fault
    )


def _command(value: bytes) -> UUID:
    return UUID(json.loads(value)["course_id"])


async def _read_reader(url: str, truth: Truth) -> None:
    connection = await asyncpg.connect(url)
    try:
        inbox = await connection.fetch("SELECT event_id FROM inbox WHERE consumer = $1", GROUP)
        truth.inbox = {row["event_id"] for row in inbox}
        rows = await connection.fetch("SELECT * FROM parked WHERE consumer = $1 ORDER BY position", GROUP)
        # By its place: in the table, what is not text stands as a data URL.
        ids = {record.place: record.event_id for record in truth.stream}
        truth.parked = [_parked(row, ids) for row in rows]
        rows = await connection.fetch("SELECT * FROM effects ORDER BY position")
        truth.effects = [Effect(r["event_id"], (r["topic"], r["key"]), r["sequence"], r["times"]) for r in rows]
        for row in await connection.fetch("SELECT * FROM totals"):
            truth.totals[row["topic"], row["key"]] = Total(row["events"], row["points"], row["last_sequence"])
        for row in await connection.fetch("SELECT * FROM copies"):
            truth.copies[_place(row)] = (row["event_id"], row["digest"])
        truth.bad = {_place(row) for row in await connection.fetch("SELECT * FROM bad_events")}
    finally:
        await connection.close()


def _parked(row: Any, ids: dict[Place, UUID | None]) -> Parked:
    place = _place(row)
    return Parked(place, ids.get(place), row["state"])


def _place(row: Any) -> Place:
    return row["topic"], row["partition"], row["offset"]
