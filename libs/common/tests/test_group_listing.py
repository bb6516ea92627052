"""What operators see of consumer groups: how far each is, and what it could not handle."""

import httpx2
import pytest

from stoa_common import clock
from stoa_common.database import Database
from stoa_common.messaging import EventRouter
from stoa_common.messaging.kafka import Cluster, new_consumer, new_producer
from stoa_common.messaging.operations import provider
from stoa_common.messaging.operations.domain import KafkaIsAway
from stoa_common.messaging.tables import bad_events
from stoa_common.testing import Delivery
from stoa_common.testing.servers import Servers
from stoa_events.contracts import LearnerEnrolled
from stoa_events.contracts.operations import operations_of

pytestmark = pytest.mark.usefixtures("unpublished")


MESSAGING = "/api/v1/sample/messaging"

TOPIC = LearnerEnrolled.topic

Headers = dict[str, str]


async def test_a_group_that_is_not_there_is_named_with_those_that_are(
    client: httpx2.AsyncClient, operator: Headers
) -> None:
    answer = await client.get(f"{MESSAGING}/parked", params={"group": "sample.nobody"}, headers=operator)

    assert answer.status_code == 404
    assert "sample.privacy, sample.reader" in answer.json()["detail"]


async def test_bad_events_of_batch_groups_are_listed_and_shown(
    client: httpx2.AsyncClient, operator: Headers, database: Database, delivery: Delivery
) -> None:
    row = {"consumer": "sample.reader", "topic": TOPIC, "partition": 2, "headers": [["ce_id", None]]}
    rows = [{**row, "offset": n, "value": b"\xff", "error": "null", "found_at": clock.now()} for n in (7, 8)]
    async with database.transaction() as session:
        # Those of other tests would come on these pages, too.
        await session.execute(bad_events.delete())
        await session.execute(bad_events.insert().values(rows))

    first = (await client.get(f"{MESSAGING}/bad-events", params={"limit": 1}, headers=operator)).json()
    rest = await client.get(f"{MESSAGING}/bad-events", params={"after": first["next"]}, headers=operator)
    shown = await client.get(f"{MESSAGING}/bad-events/sample.reader/{TOPIC}/2/7", headers=operator)

    assert [item["offset"] for item in [*first["items"], *rest.json()["items"]]] == [7, 8]
    assert shown.json()["data_base64"] == "/w=="
    audited = await delivery.recorded(operations_of("sample").audit_recorded, target=f"{TOPIC}-2-7")
    assert [event.action for event in audited] == ["bad-event.show"]


async def test_groups_are_told_with_their_lag(servers: Servers, topic_prefix: str, delivery: Delivery) -> None:
    cluster = Cluster(servers.kafka_bootstrap_servers, topic_prefix)
    await _publish(cluster, count=5)
    await _settle(cluster, count=2)

    told = await provider.standings(
        cluster, {"sample.reader": [TOPIC], "sample.new": [TOPIC], "sample.none": ["no.such"]}
    )

    assert sum(standing.lag for standing in told["sample.reader"]) == 3
    assert sum(standing.lag for standing in told["sample.new"]) == 5
    assert {standing.committed for standing in told["sample.new"]} == {None}
    assert told["sample.none"] == []
    assert all((s.oldest_at is not None) == (s.lag > 0) for s in [*told["sample.reader"], *told["sample.new"]])


async def _publish(cluster: Cluster, *, count: int) -> None:
    producer = new_producer(cluster)
    await producer.start()
    for number in range(count):
        await producer.send_and_wait(cluster.named(TOPIC), b"{}", key=str(number).encode())
    await producer.stop()


async def _settle(cluster: Cluster, *, count: int) -> None:
    consumer = new_consumer(cluster, [TOPIC], group_id=cluster.named("sample.reader"))
    await consumer.start()
    for _ in range(count):
        await consumer.getone()
    await consumer.commit()
    await consumer.stop()


async def test_without_kafka_lag_is_not_told() -> None:
    with pytest.raises(KafkaIsAway):
        await provider.standings(Cluster("127.0.0.1:9"), {"sample.reader": [TOPIC]})


async def test_the_groups_of_a_service_are_listed(client: httpx2.AsyncClient, operator: Headers) -> None:
    answer = await client.get(f"{MESSAGING}/groups", headers=operator)

    assert answer.status_code == 200, answer.text
    groups = {item["group"]: item for item in answer.json()["items"]}
    assert groups["sample.reader"]["door"] == "on"
    assert LearnerEnrolled.type in groups["sample.reader"]["types"]
    assert groups["sample.reader"]["parked"]["waiting"] >= 0
    assert (groups["sample.privacy"]["active_replay"], groups["sample.privacy"]["needs_rebuild"]) == (None, False)


async def test_a_batch_group_says_so() -> None:
    router = EventRouter(group="sample.copy")

    @router.batch([TOPIC])
    async def copy(batch: object) -> None: ...

    from stoa_common.messaging.operations.service import topics_of

    assert topics_of(router) == [TOPIC]
