"""A person who was erased stays it: whatever was parked, is replayed, or was kept for others."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest
from erasing import ROUTER, an_enrollment, an_erasure, notes_of
from sqlalchemy import insert, select
from stoa_sample import service as sample

from stoa_common import clock
from stoa_common.database import Database
from stoa_common.http.idempotency import idempotency_keys
from stoa_common.ids import new_id
from stoa_common.messaging import parking
from stoa_common.messaging.handling import Outcome
from stoa_common.messaging.tables import bad_events, parked
from stoa_common.testing import Delivery


async def test_an_erased_persons_events_bring_nothing_back(database: Database, delivery: Delivery) -> None:
    person_id = new_id()
    await delivery.deliver(ROUTER, an_erasure(person_id))

    record = delivery.record_of(an_enrollment(person_id))
    outcome = await delivery.deliver(sample.reader, record)

    assert outcome is Outcome.HANDLED
    assert await delivery.has_inbox_entry(sample.reader, record), "it is accounted for"
    assert await notes_of(database, person_id) == 0


async def test_other_peoples_events_are_handled_as_ever(database: Database, delivery: Delivery) -> None:
    erased, other = new_id(), new_id()
    await delivery.deliver(ROUTER, an_erasure(erased))

    await delivery.deliver(sample.reader, an_enrollment(other))

    assert await notes_of(database, other) == 1


async def test_an_erasure_that_is_replayed_erases_again(database: Database, delivery: Delivery) -> None:
    person_id = new_id()
    await delivery.deliver(ROUTER, an_erasure(person_id))
    async with database.transaction() as session:
        session.add(sample.Note(organization_id=new_id(), person_id=person_id, text="restored from a backup"))

    await delivery.deliver(ROUTER, an_erasure(person_id))

    assert await notes_of(database, person_id) == 0


@pytest.fixture
def broken_person() -> Iterator[UUID]:
    person_id = new_id()
    sample.broken_for.add(person_id)
    yield person_id
    sample.broken_for.discard(person_id)


async def test_what_is_parked_about_the_person_says_nothing_any_more(
    database: Database, delivery: Delivery, broken_person: UUID
) -> None:
    for person_id in (broken_person, other := new_id()):
        sample.broken_for.add(person_id)
        assert await delivery.deliver(sample.reader, an_enrollment(person_id)) is Outcome.PARKED
    sample.broken_for.discard(other)

    await delivery.deliver(ROUTER, an_erasure(broken_person))

    async with database.transaction() as session:
        rows = (await session.execute(select(parked.c.state, parked.c.value, parked.c.headers))).all()
    values = [row.value or b"" for row in rows]
    assert not [value for value in values if str(broken_person).encode() in value]
    assert [value for value in values if str(other).encode() in value]
    assert parking.DISCARDED in {row.state for row in rows if row.value is None}


async def test_a_parked_erasure_is_kept(database: Database, delivery: Delivery) -> None:
    person_id = new_id()
    erasure = delivery.record_of(an_erasure(person_id))
    async with database.transaction() as session:
        await parking.park(session, "sample.other", erasure, error="a bug", at=clock.now())

    await delivery.deliver(ROUTER, an_erasure(person_id))

    async with database.transaction() as session:
        values = await session.scalars(select(parked.c.value).where(parked.c.consumer == "sample.other"))
    assert any(str(person_id).encode() in (value or b"") for value in values)


@pytest.mark.parametrize("value", ['{"person_id": "%s", "canary": 1}', '{"person_id"  :"%s", ', "canary of %s"])
async def test_what_a_batch_could_not_read_says_nothing_any_more(
    database: Database, delivery: Delivery, value: str
) -> None:
    person_id, consumer = new_id(), f"sample.{new_id().hex}"
    row = {"consumer": consumer, "topic": "t", "partition": 0, "offset": 0, "headers": []}
    said = (value % person_id).encode()
    async with database.transaction() as session:
        await session.execute(insert(bad_events).values(**row, value=said, error="no event", found_at=clock.now()))

    await delivery.deliver(ROUTER, an_erasure(person_id))

    async with database.transaction() as session:
        assert await session.scalar(select(bad_events.c.value).where(bad_events.c.consumer == consumer)) is None


async def test_what_is_parked_under_the_persons_key_says_nothing_however_it_is_written(
    database: Database, delivery: Delivery
) -> None:
    person_id, consumer = new_id(), f"sample.{new_id().hex}"
    record = replace(delivery.record_of(an_erasure(person_id)), value=b"canary", headers=())
    async with database.transaction() as session:
        await parking.park(session, consumer, record, error="no event", at=clock.now())

    await delivery.deliver(ROUTER, an_erasure(person_id))

    async with database.transaction() as session:
        assert await session.scalar(select(parked.c.value).where(parked.c.consumer == consumer)) is None


async def test_answers_kept_for_others_lose_the_person(database: Database, delivery: Delivery) -> None:
    person_id, admin = new_id(), new_id()
    row = {"organization_id": new_id(), "person_id": admin, "route": "PATCH /members", "key": "k", "body_hash": b"h"}
    kept = {"status": 200, "headers": {}, "body": f'{{"id": "{person_id}", "name": "Ada"}}'.encode()}
    async with database.transaction() as session:
        await session.execute(insert(idempotency_keys).values(**row, **kept, created_at=clock.now()))

    await delivery.deliver(ROUTER, an_erasure(person_id))

    async with database.transaction() as session:
        mine = select(idempotency_keys.c.status, idempotency_keys.c.body).where(idempotency_keys.c.person_id == admin)
        assert (await session.execute(mine)).one() == (None, None)
