"""A service answers that it has forgotten somebody once nothing about them can come any more, and not before."""

import asyncio
from typing import Any
from uuid import UUID

from erasing import COMPLETED, ROUTER, Shelf, a_sweeper, an_enrollment, an_erasure, notes_of, sweep
from sqlalchemy import insert
from stoa_sample import service as sample
from structlog.testing import capture_logs

from stoa_common import jobs, privacy
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.jobs import repository
from stoa_common.jobs.models import JobStatus
from stoa_common.messaging.handling import Outcome
from stoa_common.privacy.erasing import erasures_due
from stoa_common.resources import Resources
from stoa_common.testing import Delivery, Identities


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
    is_done = await a_sweeper(database, broken).sweep_due()
    unanswered = await delivery.recorded(COMPLETED, person_digest=privacy.digest(person_id))
    await sweep(a_sweeper(database))

    assert not is_done
    assert not unanswered
    assert len(await delivery.recorded(COMPLETED, person_digest=privacy.digest(person_id))) == 1


async def test_an_erasure_that_fails_for_good_keeps_no_other_waiting(database: Database, delivery: Delivery) -> None:
    broken, other = new_id(), new_id()
    for person_id in (broken, other):
        await delivery.deliver(ROUTER, an_erasure(person_id))

    async def stumbles(_: Resources, person_id: UUID) -> None:
        if person_id == broken:
            raise ValueError(f"what nobody thought of: {person_id} is called Ada")

    shelf = Shelf().source
    source = privacy.PersonalSource("shelf", export=shelf.export, erase=stumbles, count=shelf.count)
    with capture_logs() as said:
        async with asyncio.timeout(30):
            while not await delivery.recorded(COMPLETED, person_digest=privacy.digest(other)):
                await a_sweeper(database, source).sweep_due()
                await asyncio.sleep(0.02)
    unanswered = await delivery.recorded(COMPLETED, person_digest=privacy.digest(broken))
    await sweep(a_sweeper(database))

    assert not unanswered
    assert "erasure_failed" in {line["event"] for line in said}
    assert "Ada" not in str(said)


async def test_an_erasure_settles_from_when_others_can_see_it(database: Database, delivery: Delivery) -> None:
    person_id, sweeper = new_id(), a_sweeper(database, settle_seconds=0.5)
    async with database.transaction() as erasing:
        event = an_erasure(person_id)
        await privacy.erase(erasing, person_id, at=event.erased_at)
        await erasing.execute(insert(erasures_due).values(person_id=person_id, requested_at=event.erased_at))
        # A commit that takes long: meanwhile nobody sees that the person was erased.
        await asyncio.sleep(0.7)

    at_once = await sweeper.list_due()
    async with asyncio.timeout(20):
        while person_id not in await sweeper.list_due():
            await asyncio.sleep(0.05)
    await sweep(sweeper)

    assert person_id not in at_once


async def test_what_was_being_written_during_the_erasure_is_swept(database: Database, delivery: Delivery) -> None:
    person_id = new_id()
    async with database.transaction() as late:
        late.add(sample.Note(organization_id=new_id(), person_id=person_id, text="canary"))
        await late.flush()
        await delivery.deliver(ROUTER, an_erasure(person_id))
        swept_too_early = person_id in await a_sweeper(database).list_due()
    assert await notes_of(database, person_id) == 1, "it was committed after the erasure"

    await sweep(a_sweeper(database))

    assert not swept_too_early
    assert await notes_of(database, person_id) == 0


async def test_a_job_whose_person_is_erased_as_it_begins_does_nothing(
    database: Database, delivery: Delivery, identities: Identities
) -> None:
    person = identities.principal("author")
    async with database.transaction() as session:
        job = await jobs.enqueue(session, "notes.import", caller=person, arguments={"outcome": "works"})

    async with database.transaction() as holding:
        await repository.lock(holding, job.id)
        running = asyncio.create_task(sample.tasks.run(job.id, database, Resources(), is_last_try=True))
        await _until_it_runs(database, job.id)
        await delivery.deliver(ROUTER, an_erasure(person.person_id))
    await running

    assert await notes_of(database, person.person_id) == 0


async def _until_it_runs(database: Database, job_id: UUID) -> None:
    async with asyncio.timeout(20):
        while True:
            async with database.transaction() as session:
                if (await repository.get(session, job_id)).status == JobStatus.RUNNING:
                    return
            await asyncio.sleep(0.02)
