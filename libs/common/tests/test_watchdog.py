"""A Kafka client that hears nothing more ends its process; a broker that nobody hears does not."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from stoa_common.messaging import watchdog
from stoa_common.messaging.kafka import Cluster
from stoa_common.testing.servers import Servers
from stoa_events.contracts import LearnerEnrolled


@dataclass
class Reading:
    consumer: AIOKafkaConsumer | None
    group: str = "sample.watched"


@pytest.fixture
def cluster(servers: Servers, topic_prefix: str) -> Cluster:
    return Cluster(servers.kafka_bootstrap_servers, topic_prefix)


@pytest.fixture
async def reading(cluster: Cluster) -> AsyncIterator[Reading]:
    consumer = AIOKafkaConsumer(bootstrap_servers=cluster.servers)
    consumer.assign([TopicPartition(cluster.named(LearnerEnrolled.topic), 0)])
    await consumer.start()
    yield Reading(consumer)
    await consumer.stop()


async def _watch(reading: Reading, cluster: Cluster, *, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        await watchdog.watch([reading], cluster, look_seconds=0.1, patience_seconds=0.2)


async def _let_it_hang(consumer: AIOKafkaConsumer) -> None:
    """Each new connection of the client waits for a lock that nobody gives back, as after a lost wake-up."""
    client = consumer._client
    await client._get_conn_lock.acquire()
    for connection in list(client._conns.values()):
        await connection.close()


async def test_a_client_that_hears_nothing_while_a_new_one_does_is_stuck(reading: Reading, cluster: Cluster) -> None:
    assert reading.consumer is not None
    await _let_it_hang(reading.consumer)

    with pytest.raises(watchdog.ClientIsStuck, match=r"sample\.watched"):
        await _watch(reading, cluster, seconds=30)

    reading.consumer._client._get_conn_lock.release()


async def test_a_client_that_is_answered_is_left_alone(reading: Reading, cluster: Cluster) -> None:
    with pytest.raises(TimeoutError):
        await _watch(reading, cluster, seconds=2)


async def test_a_broker_that_answers_nobody_is_no_fault_of_the_client(reading: Reading) -> None:
    assert reading.consumer is not None
    await _let_it_hang(reading.consumer)

    with pytest.raises(TimeoutError):
        await _watch(reading, Cluster("127.0.0.1:9"), seconds=5)

    reading.consumer._client._get_conn_lock.release()
