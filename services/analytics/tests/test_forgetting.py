"""The warehouse answers a person's two questions: what do you hold, and please forget it."""

import asyncio
from uuid import UUID

from stoa_analytics.ingestion.personal import warehouse_rows
from stoa_analytics.processes import service as analytics
from stoa_analytics.warehouse.service import Warehouse
from stoa_common import clock, privacy
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.privacy.sweeping import Sweeper
from stoa_common.resources import Resources
from stoa_common.testing import Delivery
from stoa_events.contracts import UserErased
from stoa_events.contracts.operations import operations_of

from .conftest import Course, Intake


async def rows_of(resources: Resources, person: UUID) -> list[dict[str, object]]:
    return await warehouse_rows.export(resources, person)


async def test_a_person_is_told_what_the_warehouse_holds(course: Course, intake: Intake, resources: Resources) -> None:
    ada, bob = new_id(), new_id()
    await intake.take(course.enrolled(ada), course.graded(ada, 1.0, 0.0), course.enrolled(bob))

    rows = await rows_of(resources, ada)

    assert [row["table"] for row in rows] == ["events", "events", "item_responses", "item_responses"]
    assert {row["person_id"] for row in rows} == {ada}


async def test_an_erasure_reaches_the_warehouse_before_analytics_answers(
    course: Course, intake: Intake, resources: Resources, database: Database, delivery: Delivery
) -> None:
    ada, bob = new_id(), new_id()
    await intake.take(course.enrolled(ada), course.graded(ada, 1.0), course.enrolled(bob))

    await delivery.deliver(privacy.erasure_router("analytics"), UserErased(person_id=ada, erased_at=clock.now()))
    sweeper = Sweeper("analytics", database, resources, analytics.personal_sources, settle_seconds=0)
    completed = operations_of("analytics").privacy_completed
    async with asyncio.timeout(30):
        while not await delivery.recorded(completed, person_digest=privacy.digest(ada)):
            await sweeper.sweep_due()
            await asyncio.sleep(0.02)

    assert len(await delivery.recorded(completed, person_digest=privacy.digest(ada))) == 1
    assert await rows_of(resources, ada) == []
    assert len(await rows_of(resources, bob)) == 1


async def test_a_replay_brings_nobody_back(
    course: Course, intake: Intake, resources: Resources, warehouse: Warehouse
) -> None:
    ada, bob = new_id(), new_id()
    events = [course.enrolled(ada), course.graded(ada, 1.0), course.enrolled(bob)]
    await intake.take(*events)
    await warehouse_rows.erase(resources, ada)

    await intake.take(*events)

    assert await rows_of(resources, ada) == []
    assert await warehouse.find_erased([ada, bob]) == {ada}


async def test_texts_are_found_in_every_column(course: Course, intake: Intake, resources: Resources) -> None:
    ada, canary = new_id(), f"canary-{new_id().hex}"
    question = course.graded(ada, 1.0)
    named = question.model_copy(update={"questions": [question.questions[0].model_copy(update={"title": canary})]})
    await intake.take(named)

    counts = [await warehouse_rows.count(resources, text) for text in (canary, str(ada), f"{canary}x")]

    assert counts[0] == 2, "the event's data, and the question's title"
    assert counts[1] >= 2
    assert counts[2] == 0
