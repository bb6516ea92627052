"""Kafka clients with their settings frozen: what may not vary is written here once, and nowhere else."""

import asyncio
import base64
import binascii
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import KafkaConnectionError

from stoa_common import failures

PING_SECONDS: Final = 2.0
DATA_URL: Final = "data:;base64,"
PRODUCER: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "acks": "all",
        "enable_idempotence": True,
        "compression_type": "lz4",
        # Sent at once: whoever sends has made its batches already.
        "linger_ms": 0,
        "max_batch_size": 524_288,
        "max_request_size": 1_048_576,
        "request_timeout_ms": 10_000,
    }
)
CONSUMER: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "session_timeout_ms": 45_000,
        "heartbeat_interval_ms": 3_000,
        "rebalance_timeout_ms": 60_000,
        "max_poll_interval_ms": 900_000,
        # One assignor: members that disagree on it never form a group.
        "partition_assignment_strategy": (RoundRobinPartitionAssignor,),
    }
)


class UnsafeSettings(RuntimeError):
    """A client was made with other settings than ours; the message names them."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where Kafka is, what goes before our topics' and groups' names there, and which member this process is."""

    bootstrap_servers: str
    topic_prefix: str = ""
    instance_id: str = ""

    @property
    def servers(self) -> list[str]:
        return self.bootstrap_servers.split(",")

    def named(self, name: str) -> str:
        """A topic's or group's name on this cluster."""
        return self.topic_prefix + name

    def own_name(self, name: str) -> str:
        return name.removeprefix(self.topic_prefix)

    def membership(self, group: str) -> dict[str, str]:
        """Static membership (KIP-345): a restarted member takes its partitions back at once."""
        static = {"group_instance_id": f"{group}.{self.instance_id}"} if self.instance_id else {}
        return {"group_id": self.named(group), **static}


def new_producer(cluster: Cluster) -> AIOKafkaProducer:
    return AIOKafkaProducer(bootstrap_servers=cluster.servers, **PRODUCER)


def new_consumer(
    cluster: Cluster, topics: Sequence[str], *, listener: ConsumerRebalanceListener | None = None, **overrides: Any
) -> AIOKafkaConsumer:
    """A consumer of these topics; `listener` hears of assignments."""
    consumer = AIOKafkaConsumer(bootstrap_servers=cluster.servers, **{**CONSUMER, **overrides})
    consumer.subscribe([cluster.named(topic) for topic in topics], listener=listener)
    return consumer


async def wait_until_reachable(cluster: Cluster) -> None:
    """Returns once a broker answers: a process that starts while Kafka is away waits for it, as it would later."""
    wait = 0.2
    while True:
        client = AIOKafkaClient(bootstrap_servers=cluster.servers)
        with failures.held("kafka_not_reachable"):
            try:
                return await client.bootstrap()  # type: ignore[no-any-return]  # untyped; None
            finally:
                await client.close()
        await asyncio.sleep(wait)
        wait = min(wait * 2, 3.0)


class Assignment(ConsumerRebalanceListener):  # type: ignore[misc]  # untyped
    """Knows whether a group has told this member its part, which may be no partition at all."""

    def __init__(self, leave: Callable[[Iterable[Any]], Awaitable[None]] | None = None) -> None:
        """`leave` is awaited with the partitions that go to another member, before they go."""
        self.is_known = False
        self._leave = leave

    async def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        if self._leave is not None:
            await self._leave(revoked)

    async def on_partitions_assigned(self, assigned: object) -> None:  # noqa: ARG002  # the listener's shape
        self.is_known = True


def assert_safe(consumer: AIOKafkaConsumer) -> None:
    """Look at what the client was really given, whatever lies between us and it. Raises UnsafeSettings."""
    wrong = {name for name, value in CONSUMER.items() if getattr(consumer, f"_{name}", None) != value}
    if wrong:
        raise UnsafeSettings(f"The Kafka consumer does not have our {', '.join(sorted(wrong))}.")


def lags(consumer: AIOKafkaConsumer | None, seen: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
    """How many records the broker has after the last `seen` offset of each partition, as its last answer told."""
    if consumer is None:
        return {}
    ends = {partition: consumer.highwater(partition) for partition in consumer.assignment() if partition in seen}
    return {partition: max(0, end - seen[partition] - 1) for partition, end in ends.items() if end is not None}


async def ping(consumer: AIOKafkaConsumer | None) -> None:
    """Ask the broker something that only it can know. Raises TimeoutError or KafkaError."""
    if consumer is not None and (partitions := list(consumer.assignment())[:1]):
        await asyncio.wait_for(consumer.end_offsets(partitions), PING_SECONDS)


def printable_headers(headers: Iterable[tuple[str, bytes | None]]) -> list[list[str | None]]:
    """Any headers in a form that PostgreSQL stores, and `raw_headers` turns back."""
    return [[printable(name.encode()), None if value is None else printable(value)] for name, value in headers]


def raw_headers(printed: Iterable[Sequence[str | None]]) -> tuple[tuple[str, bytes | None], ...]:
    """The headers as they came: what could not be read when it was parked cannot be read when it is tried again."""
    return tuple((raw(name or "").decode(), None if value is None else raw(value)) for name, value in printed)


def printable(value: bytes) -> str:
    """Text for people and for PostgreSQL, which takes no NUL; what is no such text becomes a data URL (RFC 2397)."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = DATA_URL
    if "\x00" in text or text.startswith(DATA_URL):
        return DATA_URL + base64.b64encode(value).decode()
    return text


def raw(text: str) -> bytes:
    """What `printable` was given; text that only looks like its data URLs is taken as it is."""
    if text.startswith(DATA_URL):
        with contextlib.suppress(binascii.Error):
            return base64.b64decode(text.removeprefix(DATA_URL), validate=True)
    return text.encode()


_send = AIOKafkaConnection.send


def _send_or_break(connection: AIOKafkaConnection, request: Any, expect_response: bool = True) -> Any:  # aiokafka's
    """Where the broker has just gone, uvloop's closed transport raises what aiokafka takes for a bug of its own.

    A group's coordinator would end for good, and the process with it.
    """
    try:
        return _send(connection, request, expect_response)
    except RuntimeError as error:
        connection.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError(f"The connection is closed: {error}") from error


AIOKafkaConnection.send = _send_or_break
