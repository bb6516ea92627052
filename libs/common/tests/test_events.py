"""Events out by the outbox and the relay, events in by the inbox."""

import asyncio
from uuid import UUID

import httpx2
import pytest
from aiokafka import AIOKafkaConsumer
from sqlalchemy import select, text
from stoa_sample import service as sample

from stoa_common import clock, outbox, personal_keys
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.messaging.consumers import Consumers
from stoa_common.messaging.handling import Handling, Outcome
from stoa_common.messaging.kafka import Cluster, new_producer
from stoa_common.messaging.record import Record
from stoa_common.messaging.relay import Relay
from stoa_common.messaging.retrier import Retrier
from stoa_common.messaging.tables import parked
from stoa_common.outbox.tables import event_log
from stoa_common.resources import Resources
from stoa_common.testing import Delivery, Identities, running
from stoa_common.testing.servers import Servers
from stoa_events.contracts import AttemptGraded, LearnerEnrolled, UserRegistered
from stoa_events.envelope import Envelope

NOTES = "/api/v1/sample/notes"


def _enrolled(person_id: UUID | None = None, enrollment_id: UUID | None = None) -> LearnerEnrolled:
    return LearnerEnrolled(
        enrollment_id=enrollment_id or new_id(),
        organization_id=new_id(),
        course_id=new_id(),
        person_id=person_id or new_id(),
        enrolled_at=clock.now(),
    )


async def _notes_of(database: Database, person_id: UUID) -> list[str]:
    async with database.transaction() as session:
        query = select(sample.Note.text).where(sample.Note.person_id == person_id).order_by(sample.Note.id)
        return list(await session.scalars(query))


@pytest.fixture
def cluster(servers: Servers, topic_prefix: str) -> Cluster:
    return Cluster(servers.kafka_bootstrap_servers, topic_prefix)


async def _read_all(cluster: Cluster, topic: str, count: int) -> list[Record]:
    consumer = AIOKafkaConsumer(
        cluster.named(topic), bootstrap_servers=cluster.servers, auto_offset_reset="earliest", group_id=None
    )
    await consumer.start()
    records: list[Record] = []
    try:
        async with asyncio.timeout(20):
            while len(records) < count:
                fetched = await consumer.getmany(timeout_ms=200)
                records += [Record.of(raw, cluster) for raws in fetched.values() for raw in raws]
    finally:
        await consumer.stop()
    return records


async def _drain(database: Database, cluster: Cluster) -> None:
    relay = Relay(database, cluster)
    try:
        while await relay.drain_once():
            pass
    finally:
        await relay.close()


async def test_an_event_reaches_kafka_with_its_envelope(
    client: httpx2.AsyncClient, database: Database, identities: Identities, cluster: Cluster
) -> None:
    caller = identities.principal("learner")
    made = await client.post(NOTES, json={"text": "hello"}, headers=identities.headers(caller))

    await _drain(database, cluster)

    records = await _read_all(cluster, "content.enrollment", 1)
    mine = [r for r in records if r.key_text == made.json()["id"]]
    envelope = Envelope.from_headers(mine[0].headers)
    assert (envelope.type, envelope.source, envelope.sequence) == (LearnerEnrolled.type, "/content", 1)
    assert envelope.orgid == caller.organization_id
    assert envelope.correlationid == made.headers["x-request-id"]
    assert LearnerEnrolled.parse(mine[0].value or b"").person_id == caller.person_id
    async with database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM outbox")) == 0


async def test_sequences_of_an_aggregate_count_up_also_under_parallel_transactions(database: Database) -> None:
    enrollment_id = new_id()

    async def record_two() -> None:
        async with database.transaction() as session:
            outbox.add(session, _enrolled(enrollment_id=enrollment_id))
            outbox.add(session, _enrolled(enrollment_id=enrollment_id))

    await asyncio.gather(*(record_two() for _ in range(8)))

    async with database.transaction() as session:
        query = select(event_log.c.sequence).where(event_log.c.key == str(enrollment_id))
        assert sorted(await session.scalars(query)) == list(range(1, 17))


async def test_an_event_that_could_never_be_published_is_refused_before_the_commit(database: Database) -> None:
    class Unregistered(LearnerEnrolled):
        pass

    async with database.transaction() as session:
        with pytest.raises(outbox.CannotBePublished, match="not registered"):
            outbox.add(session, Unregistered(**dict(_enrolled())))


async def test_personal_fields_are_unreadable_without_the_key_and_gone_when_it_is_destroyed(
    client: httpx2.AsyncClient, database: Database, delivery: Delivery
) -> None:
    await client.post(f"{NOTES}/people")

    event = (await delivery.recorded(UserRegistered))[-1]
    async with database.transaction() as session:
        stored = await session.scalar(select(event_log.c.data).where(event_log.c.key == str(event.person_id)))
        assert "canary" not in str(stored)
        assert await personal_keys.open_field(session, "email", event.email) == "canary@example.org"
        assert await personal_keys.open_field(session, "name", event.email) is None
        await personal_keys.destroy(session, event.person_id, at=clock.now())
    async with database.transaction() as session:
        assert await personal_keys.open_field(session, "email", event.email) is None


async def test_a_handler_works_once_however_often_an_event_comes(database: Database, delivery: Delivery) -> None:
    event = _enrolled()
    record = delivery.record_of(event)

    outcomes = [await delivery.deliver(sample.reader, record) for _ in range(3)]

    assert outcomes == [Outcome.HANDLED, Outcome.DUPLICATE, Outcome.DUPLICATE]
    assert await _notes_of(database, event.person_id) == [f"read {event.course_id}"]


async def test_an_event_older_than_what_its_key_has_seen_is_stale(database: Database, delivery: Delivery) -> None:
    event = _enrolled()
    await delivery.deliver(sample.reader, delivery.record_of(event, sequence=5))

    outcome = await delivery.deliver(sample.reader, delivery.record_of(event, sequence=4))

    assert outcome is Outcome.STALE
    assert len(await _notes_of(database, event.person_id)) == 1


async def test_an_unknown_type_is_skipped(delivery: Delivery) -> None:
    record = delivery.record_of(_enrolled())
    headers = tuple((n, b"stoa.x.y.z.v1" if n == "ce_type" else v) for n, v in record.headers)

    outcome = await delivery.deliver(
        sample.reader, Record(record.topic, 0, record.offset, record.key, headers, record.value)
    )

    assert outcome is Outcome.SKIPPED


@pytest.mark.parametrize("headers", [(("ce_id", None),), (("ce_id", b"\xff\xfe"),), (), (("ce_specversion", b"0.3"),)])
async def test_malformed_headers_park_the_record(
    database: Database, delivery: Delivery, headers: tuple[tuple[str, bytes | None], ...]
) -> None:
    offset = delivery.record_of(_enrolled()).offset + 900_000 + hash(headers) % 1000

    outcome = await delivery.deliver(sample.reader, Record("content.enrollment", 0, offset, None, headers, b"{}"))

    assert outcome is Outcome.PARKED


async def test_a_handlers_bug_parks_its_key_in_order_and_lets_others_pass(
    database: Database, delivery: Delivery, resources: Resources
) -> None:
    person, enrollment = new_id(), new_id()
    sample.broken_for.add(person)
    first, second = _enrolled(person, enrollment), _enrolled(person, enrollment)

    outcomes = [await delivery.deliver(sample.reader, event) for event in (first, second, _enrolled())]

    assert outcomes == [Outcome.PARKED, Outcome.PARKED, Outcome.HANDLED]
    assert await _notes_of(database, person) == []
    async with database.transaction() as session:
        line = select(parked).where(parked.c.key == str(enrollment)).order_by(parked.c.position)
        rows = (await session.execute(line)).all()
        assert rows[0].error.startswith("RuntimeError")
        await session.execute(
            text("UPDATE parked SET next_try_at = now() - interval '1 s' WHERE key = :k"), {"k": str(enrollment)}
        )

    sample.broken_for.discard(person)
    await Retrier([Handling(sample.reader, database, resources)]).retry_due()

    assert await _notes_of(database, person) == [f"read {first.course_id}", f"read {second.course_id}"]
    assert await delivery.deliver(sample.reader, _enrolled(person, enrollment)) is Outcome.HANDLED


async def test_a_failure_leaves_no_inbox_entry(delivery: Delivery) -> None:
    person = new_id()
    sample.broken_for.add(person)
    record = delivery.record_of(_enrolled(person))

    await delivery.deliver(sample.reader, record)

    assert not await delivery.has_inbox_entry(sample.reader, record)


async def test_aggregates_of_one_event_keep_no_mark(database: Database, delivery: Delivery) -> None:
    ids = {name: new_id() for name in ("attempt_id", "organization_id", "course_id", "lesson_id", "quiz_id")}
    attempt = AttemptGraded(
        **ids, person_id=new_id(), number=1, score=0.5, passed=True, questions=[], graded_at=clock.now()
    )

    assert await delivery.deliver(sample.reader, attempt) is Outcome.HANDLED

    async with database.transaction() as session:
        marks = text("SELECT count(*) FROM consumer_marks WHERE key = :k")
        assert await session.scalar(marks, {"k": str(attempt.attempt_id)}) == 0


async def test_from_request_to_handler_over_kafka_and_past_poison(
    client: httpx2.AsyncClient, database: Database, identities: Identities, cluster: Cluster, resources: Resources
) -> None:
    caller = identities.principal("learner")
    producer = new_producer(cluster)
    await producer.start()
    for poison in ([("ce_id", None)], [("ce_id", b"\xff")], [("reply_to", b"content.course")]):
        await producer.send_and_wait(cluster.named("content.enrollment"), b"not json", key=b"k", headers=poison)
    await producer.stop()
    made = await client.post(NOTES, json={"text": "over kafka"}, headers=identities.headers(caller))
    await _drain(database, cluster)

    async with running(Consumers([sample.reader], database, resources, cluster)):
        async with asyncio.timeout(20):
            while len(notes := await _notes_of(database, caller.person_id)) < 2:
                await asyncio.sleep(0.05)

    assert sorted(notes) == sorted(["over kafka", f"read {made.json()['id']}"])
