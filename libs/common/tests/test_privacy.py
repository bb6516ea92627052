"""A person who was erased stays it: whatever was under way, is parked, is replayed, or lies outside the tables."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import func, insert, select
from stoa_sample import service as sample

from stoa_common import clock, privacy
from stoa_common.database import Database
from stoa_common.http.idempotency import idempotency_keys
from stoa_common.ids import new_id
from stoa_common.messaging import parking
from stoa_common.messaging.handling import Outcome
from stoa_common.messaging.tables import bad_events, parked
from stoa_common.privacy.erasing import erasures_due
from stoa_common.privacy.router import audience_of
from stoa_common.privacy.sweeping import Sweeper
from stoa_common.resources import Resources
from stoa_common.testing import Delivery, Identities
from stoa_events.contracts import LearnerEnrolled, UserErased
from stoa_events.contracts.operations import operations_of

EXPORT = "/internal/privacy/export"
ROUTER = privacy.erasure_router("sample")
COMPLETED = operations_of("sample").privacy_completed


@dataclass
class Shelf:
    """Something outside the database that holds people's texts."""

    texts: dict[UUID, list[str]] = field(default_factory=dict)

    @property
    def source(self) -> privacy.PersonalSource:
        return privacy.PersonalSource("shelf", export=self._export, erase=self._erase, count=self._count)

    async def _export(self, _: Resources, person_id: UUID) -> privacy.Rows:
        return [{"text": each} for each in self.texts.get(person_id, [])]

    async def _erase(self, _: Resources, person_id: UUID) -> None:
        self.texts.pop(person_id, None)

    async def _count(self, _: Resources, wanted: str) -> int:
        return sum(wanted in each for texts in self.texts.values() for each in texts)


def a_sweeper(database: Database, *sources: privacy.PersonalSource, settle_seconds: float = 0) -> Sweeper:
    return Sweeper("sample", database, Resources(), sources, settle_seconds)


async def sweep(sweeper: Sweeper) -> None:
    """All that is due; other tests leave some, too."""
    async with asyncio.timeout(30):
        while await sweeper.sweep_next() or await _is_any_due(sweeper.database):
            await asyncio.sleep(0.02)


async def _is_any_due(database: Database) -> bool:
    async with database.transaction() as session:
        return bool(await session.scalar(select(func.count()).select_from(erasures_due)))


def an_erasure(person_id: UUID) -> UserErased:
    return UserErased(person_id=person_id, erased_at=clock.now())


def an_enrollment(person_id: UUID) -> LearnerEnrolled:
    return LearnerEnrolled(
        enrollment_id=new_id(),
        organization_id=new_id(),
        course_id=new_id(),
        person_id=person_id,
        enrolled_at=clock.now(),
    )


async def notes_of(database: Database, person_id: UUID) -> int:
    async with database.transaction() as session:
        mine = select(func.count()).select_from(sample.Note).where(sample.Note.person_id == person_id)
        return await session.scalar(mine) or 0


async def test_a_service_answers_once_it_has_forgotten_the_person(database: Database, delivery: Delivery) -> None:
    person_id, shelf = new_id(), Shelf()
    shelf.texts[person_id] = ["canary"]
    await delivery.deliver(sample.reader, an_enrollment(person_id))

    await delivery.deliver(ROUTER, an_erasure(person_id))
    before = await delivery.recorded(COMPLETED, person_digest=privacy.digest(person_id))
    await sweep(a_sweeper(database, shelf.source))

    assert not before, "the answer follows the sweep"
    assert len(await delivery.recorded(COMPLETED, person_digest=privacy.digest(person_id))) == 1
    assert await notes_of(database, person_id) == 0
    assert not shelf.texts


async def test_the_answer_names_nobody(database: Database, delivery: Delivery) -> None:
    person_id = new_id()
    await delivery.deliver(ROUTER, an_erasure(person_id))
    await sweep(a_sweeper(database))

    [answer] = await delivery.recorded(COMPLETED, person_digest=privacy.digest(person_id))

    assert str(person_id) not in answer.data().decode()
    assert answer.subject == privacy.digest(person_id)


async def test_a_second_delivery_is_answered_once(database: Database, delivery: Delivery) -> None:
    person_id = new_id()
    record = delivery.record_of(an_erasure(person_id))

    outcomes = [await delivery.deliver(ROUTER, record) for _ in range(2)]
    await sweep(a_sweeper(database))

    assert outcomes == [Outcome.HANDLED, Outcome.DUPLICATE]
    assert len(await delivery.recorded(COMPLETED, person_digest=privacy.digest(person_id))) == 1


async def test_a_failure_outside_the_tables_leaves_the_erasure_due(database: Database, delivery: Delivery) -> None:
    person_id = new_id()
    await delivery.deliver(ROUTER, an_erasure(person_id))

    async def is_away(*_: Any) -> None:
        raise ConnectionError

    broken = privacy.PersonalSource("shelf", export=Shelf().source.export, erase=is_away, count=Shelf().source.count)
    with pytest.raises(ConnectionError):
        await a_sweeper(database, broken).sweep_next()
    unanswered = await delivery.recorded(COMPLETED, person_digest=privacy.digest(person_id))
    await sweep(a_sweeper(database))

    assert not unanswered
    assert len(await delivery.recorded(COMPLETED, person_digest=privacy.digest(person_id))) == 1


async def test_what_was_being_written_during_the_erasure_is_swept(database: Database, delivery: Delivery) -> None:
    person_id = new_id()
    async with database.transaction() as late:
        late.add(sample.Note(organization_id=new_id(), person_id=person_id, text="canary"))
        await late.flush()
        await delivery.deliver(ROUTER, an_erasure(person_id))
        swept_too_early = await a_sweeper(database).sweep_next()
    assert await notes_of(database, person_id) == 1, "it was committed after the erasure"

    await sweep(a_sweeper(database))

    assert not swept_too_early
    assert await notes_of(database, person_id) == 0


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


async def test_what_a_batch_could_not_read_says_nothing_any_more(database: Database, delivery: Delivery) -> None:
    person_id, consumer = new_id(), f"sample.{new_id().hex}"
    value = json.dumps({"person_id": str(person_id), "canary": True}).encode()
    row = {"consumer": consumer, "topic": "t", "partition": 0, "offset": 0, "headers": [], "value": value}
    async with database.transaction() as session:
        await session.execute(insert(bad_events).values(**row, error="no event", found_at=clock.now()))

    await delivery.deliver(ROUTER, an_erasure(person_id))

    async with database.transaction() as session:
        assert await session.scalar(select(bad_events.c.value).where(bad_events.c.consumer == consumer)) is None


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


async def test_a_part_is_given_to_auth_for_the_person_alone(
    client: httpx2.AsyncClient, delivery: Delivery, identities: Identities
) -> None:
    person_id = new_id()
    await delivery.deliver(sample.reader, an_enrollment(person_id))
    person = identities.principal(person_id=person_id)
    token = identities.token(person, aud=audience_of("sample"), act={"sub": "auth"})

    answer = await client.get(EXPORT, headers={"Authorization": f"Bearer {token}"})

    lines = [json.loads(line) for line in answer.text.splitlines()]
    tables = {line["name"]: line["rows"] for line in lines[:-1]}
    assert lines[-1] == {"end": True}
    assert [row["person_id"] for row in tables["notes"]] == [str(person_id)]
    assert {"jobs", "kept_answers"} <= tables.keys()


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"aud": "stoa"},
        {"aud": audience_of("content"), "act": {"sub": "auth"}},
        {"aud": audience_of("sample")},
        {"aud": audience_of("sample"), "act": {"sub": "somebody"}},
        {"aud": audience_of("sample"), "act": {"sub": "auth"}, "exp": 1},
    ],
)
async def test_nobody_else_gets_a_part(
    client: httpx2.AsyncClient, identities: Identities, claims: dict[str, Any]
) -> None:
    token = identities.token(identities.principal("admin"), **claims)

    answer = await client.get(EXPORT, headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 401


async def test_a_token_for_a_part_opens_nothing_else(client: httpx2.AsyncClient, identities: Identities) -> None:
    token = identities.token(identities.principal("admin"), aud=audience_of("sample"), act={"sub": "auth"})

    answer = await client.get("/api/v1/sample/notes", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 401
