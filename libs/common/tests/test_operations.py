"""What operators see of consumer groups, and do with what these could not handle."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx2
import pytest
import pytest_asyncio
from sqlalchemy import select, text
from stoa_sample import service as sample

from stoa_common import clock
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.messaging import EventRouter
from stoa_common.messaging.handling import Outcome
from stoa_common.messaging.kafka import Cluster, new_consumer, new_producer
from stoa_common.messaging.operations import provider
from stoa_common.messaging.operations.domain import KafkaIsAway
from stoa_common.messaging.record import Record
from stoa_common.messaging.tables import bad_events, parked
from stoa_common.testing import Delivery, Identities
from stoa_common.testing.servers import Servers
from stoa_events.contracts import LearnerEnrolled
from stoa_events.contracts.operations import operations_of

MESSAGING = "/api/v1/sample/messaging"
TOPIC = LearnerEnrolled.topic
Headers = dict[str, str]


@pytest_asyncio.fixture(autouse=True, scope="module", loop_scope="session")
async def _unpublished(database: Database) -> AsyncIterator[None]:
    """The sample's own topics are on no Kafka: a relay of another module must not find what is recorded here."""
    yield
    async with database.transaction() as session:
        await session.execute(
            text("DELETE FROM outbox USING event_log e WHERE e.id = outbox.event_id AND e.topic LIKE 'sample.%'")
        )


@pytest.fixture
def operator(identities: Identities) -> Headers:
    return identities.headers(identities.principal("operator"))


def _enrolled(person_id: UUID, enrollment_id: UUID | None = None) -> LearnerEnrolled:
    return LearnerEnrolled(
        enrollment_id=enrollment_id or new_id(),
        organization_id=new_id(),
        course_id=new_id(),
        person_id=person_id,
        enrolled_at=clock.now(),
    )


@pytest.fixture
async def broken_person() -> AsyncIterator[UUID]:
    """A person for whom the sample's handler has a bug."""
    person = new_id()
    sample.broken_for.add(person)
    yield person
    sample.broken_for.discard(person)


async def _parked(client: httpx2.AsyncClient, operator: Headers, **wanted: Any) -> list[dict[str, Any]]:
    answer = await client.get(f"{MESSAGING}/parked", params=wanted, headers=operator)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def _park_one(client: httpx2.AsyncClient, operator: Headers, delivery: Delivery, person: UUID) -> dict[str, Any]:
    event = _enrolled(person)
    assert await delivery.deliver(sample.reader, event) is Outcome.PARKED
    return (await _parked(client, operator, key=event.subject))[0]


async def _audited(delivery: Delivery, target: str) -> list[Any]:
    return await delivery.recorded(operations_of("sample").audit_recorded, target=target)


def _place(item: dict[str, Any]) -> str:
    return f"{item['topic']}-{item['partition']}-{item['offset']}"


async def test_only_operators_see_anything(client: httpx2.AsyncClient, identities: Identities) -> None:
    for role in ("learner", "author", "admin"):
        headers = identities.headers(identities.principal(role))
        for path in ("groups", "parked", "parked/1", "bad-events"):
            assert (await client.get(f"{MESSAGING}/{path}", headers=headers)).status_code == 403
        for path in ("parked/1/retry", "parked/1/discard"):
            answer = await client.post(f"{MESSAGING}/{path}", json={"reason": "none"}, headers=headers)
            assert answer.status_code == 403


async def test_a_parked_event_is_listed_without_its_data_and_shown_with_it(
    client: httpx2.AsyncClient, operator: Headers, delivery: Delivery, broken_person: UUID
) -> None:
    item = await _park_one(client, operator, delivery, broken_person)

    shown = (await client.get(f"{MESSAGING}/parked/{item['position']}", headers=operator)).json()

    assert (item["group"], item["state"], item["type"]) == ("sample.reader", "waiting", LearnerEnrolled.type)
    assert item["error"].startswith("RuntimeError at service.py")
    assert "data" not in item
    assert shown["data"]["person_id"] == str(broken_person)
    assert dict(shown["headers"])["ce_id"] == item["event_id"]


async def test_showing_data_is_audited_and_listing_is_not(
    client: httpx2.AsyncClient, operator: Headers, delivery: Delivery, broken_person: UUID
) -> None:
    item = await _park_one(client, operator, delivery, broken_person)
    assert await _audited(delivery, _place(item)) == []

    await client.get(f"{MESSAGING}/parked/{item['position']}", headers=operator)

    assert [event.action for event in await _audited(delivery, _place(item))] == ["parked.show"]


async def test_the_line_behind_an_event_is_told(
    client: httpx2.AsyncClient, operator: Headers, delivery: Delivery, broken_person: UUID
) -> None:
    enrollment = new_id()
    for _ in range(3):
        await delivery.deliver(sample.reader, _enrolled(broken_person, enrollment))

    line = await _parked(client, operator, key=str(enrollment))

    assert [(item["ahead"], item["behind"]) for item in line] == [(0, 2), (1, 1), (2, 0)]


async def test_a_list_comes_in_pages_and_narrows(
    client: httpx2.AsyncClient, operator: Headers, delivery: Delivery, broken_person: UUID
) -> None:
    enrollment = new_id()
    for _ in range(3):
        await delivery.deliver(sample.reader, _enrolled(broken_person, enrollment))
    mine = {"key": str(enrollment), "group": "sample.reader", "state": "waiting", "type": LearnerEnrolled.type}

    first = (await client.get(f"{MESSAGING}/parked", params={**mine, "limit": 2}, headers=operator)).json()
    rest = (await client.get(f"{MESSAGING}/parked", params={**mine, "after": first["next"]}, headers=operator)).json()

    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
    assert await _parked(client, operator, **{**mine, "type": "stoa.x.y.z.v1"}) == []
    assert await _parked(client, operator, **{**mine, "state": "dead"}) == []


async def test_a_retry_makes_it_due_now_and_a_dead_one_waits_again(
    client: httpx2.AsyncClient, operator: Headers, delivery: Delivery, database: Database, broken_person: UUID
) -> None:
    item = await _park_one(client, operator, delivery, broken_person)
    async with database.transaction() as session:
        mine = parked.c.position == item["position"]
        await session.execute(parked.update().where(mine).values(state="dead", attempts=5))

    answer = await client.post(f"{MESSAGING}/parked/{item['position']}/retry", headers=operator)

    told = answer.json()
    assert (answer.status_code, told["state"], told["attempts"]) == (200, "waiting", 0)
    assert told["next_try_at"] <= clock.now().isoformat().replace("+00:00", "Z")
    assert [event.action for event in await _audited(delivery, _place(item))] == ["parked.retry"]


async def test_a_discarded_event_stays_on_record_and_lets_its_line_go(
    client: httpx2.AsyncClient, operator: Headers, delivery: Delivery, broken_person: UUID
) -> None:
    enrollment = new_id()
    record = delivery.record_of(_enrolled(broken_person, enrollment))
    await delivery.deliver(sample.reader, record)
    item = (await _parked(client, operator, key=str(enrollment)))[0]

    discard = f"{MESSAGING}/parked/{item['position']}/discard"
    answer = await client.post(discard, json={"reason": "a test order"}, headers=operator)
    sample.broken_for.discard(broken_person)

    assert answer.json()["state"] == "discarded"
    assert (await _audited(delivery, _place(item)))[0].details["reason"] == "a test order"
    assert await delivery.deliver(sample.reader, record) is Outcome.DUPLICATE
    assert await delivery.deliver(sample.reader, _enrolled(broken_person, enrollment)) is Outcome.HANDLED
    assert [i["state"] for i in await _parked(client, operator, key=str(enrollment))] == ["discarded"]


@pytest.mark.parametrize("action", ["retry", "discard"])
async def test_what_was_discarded_is_given_up_for_good(
    client: httpx2.AsyncClient, operator: Headers, delivery: Delivery, broken_person: UUID, action: str
) -> None:
    item = await _park_one(client, operator, delivery, broken_person)
    place = f"{MESSAGING}/parked/{item['position']}"
    await client.post(f"{place}/discard", json={"reason": "a test"}, headers=operator)

    answer = await client.post(f"{place}/{action}", json={"reason": "again"}, headers=operator)

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:stoa:problem:event-is-discarded")


async def test_an_edit_mends_what_could_not_be_read(
    client: httpx2.AsyncClient, operator: Headers, delivery: Delivery
) -> None:
    event = _enrolled(new_id())
    good = delivery.record_of(event)
    bad = Record(good.topic, 0, good.offset, good.key, good.headers, b"not json")
    assert await delivery.deliver(sample.reader, bad) is Outcome.PARKED
    item = (await _parked(client, operator, key=event.subject))[0]
    place = f"{MESSAGING}/parked/{item['position']}"
    shown = (await client.get(place, headers=operator)).json()

    answer = await client.patch(place, json={"data": event.model_dump(mode="json")}, headers=operator)

    assert shown["data_base64"] == "bm90IGpzb24="
    assert answer.status_code == 200, answer.text
    assert answer.json()["edited_at"]
    assert (await client.get(place, headers=operator)).json()["data"]["person_id"] == str(event.person_id)
    edits = [e for e in await _audited(delivery, _place(item)) if e.action == "parked.edit"]
    assert [e.details["changed"] for e in edits] == ["data"]


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        ({"data": {"person_id": "nobody"}}, "data.person_id"),
        ({"headers": {"ce_time": "noon"}}, "headers"),
        ({"headers": {"ce_type": "stoa.x.y.z.v1"}}, "headers.ce_type"),
        ({"headers": {"ce_type": None}}, "headers"),
        ({"data_base64": "???"}, "data_base64"),
        ({"headers": {"ce_id": "0197a3d1-7d02-7c94-a1f8-6b0e35d92c47"}}, None),
        ({"headers": {"a": "\x00"}}, "headers.a"),
        ({}, "body"),
    ],
)
async def test_an_edit_after_which_nobody_could_read_it_is_refused(
    client: httpx2.AsyncClient,
    operator: Headers,
    delivery: Delivery,
    broken_person: UUID,
    edit: dict[str, Any],
    field: str | None,
) -> None:
    item = await _park_one(client, operator, delivery, broken_person)

    answer = await client.patch(f"{MESSAGING}/parked/{item['position']}", json=edit, headers=operator)

    assert answer.status_code == 422, answer.text
    assert field is None or field in [wrong["field"] for wrong in answer.json()["errors"]]
    assert (await _parked(client, operator, key=item["key"]))[0]["edited_at"] is None


async def test_a_forced_edit_is_taken(
    client: httpx2.AsyncClient, operator: Headers, delivery: Delivery, broken_person: UUID
) -> None:
    item = await _park_one(client, operator, delivery, broken_person)
    edit = {"data": {"strange": True}, "headers": {"x-note": "mended by hand"}, "force": True}

    answer = await client.patch(f"{MESSAGING}/parked/{item['position']}", json=edit, headers=operator)

    assert answer.status_code == 200, answer.text
    shown = (await client.get(f"{MESSAGING}/parked/{item['position']}", headers=operator)).json()
    assert (shown["data"], dict(shown["headers"])["x-note"]) == ({"strange": True}, "mended by hand")


async def test_an_event_in_somebody_elses_hands_is_left_to_them(
    client: httpx2.AsyncClient, operator: Headers, delivery: Delivery, database: Database, broken_person: UUID
) -> None:
    item = await _park_one(client, operator, delivery, broken_person)
    async with database.transaction() as session:
        await session.execute(select(parked).where(parked.c.position == item["position"]).with_for_update())
        answer = await client.post(f"{MESSAGING}/parked/{item['position']}/retry", headers=operator)

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:stoa:problem:event-is-being-tried")


@pytest.mark.parametrize("position", ["0", "-1", "9223372036854775808", "1e3", "999999999"])
async def test_a_position_where_nothing_is_parked_is_no_error_of_ours(
    client: httpx2.AsyncClient, operator: Headers, position: str
) -> None:
    answer = await client.get(f"{MESSAGING}/parked/{position}", headers=operator)

    assert answer.status_code in {404, 422}


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
    assert [event.action for event in await _audited(delivery, f"{TOPIC}-2-7")] == ["bad-event.show"]


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
