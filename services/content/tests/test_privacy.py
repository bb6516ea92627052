"""A person who is erased leaves nothing in content."""

import asyncio
from uuid import UUID

from content_people import ImportCourse, Someone
from content_samples import MARKDOWN, zipped

from stoa_common import clock, privacy
from stoa_common.database import Database
from stoa_common.privacy.sweeping import Sweeper
from stoa_common.resources import Resources
from stoa_common.testing.delivery import Delivery
from stoa_content.database import TABLES
from stoa_content.imports.personal import uploads
from stoa_content.imports.provider import ArchiveStore
from stoa_events.contracts.auth import UserErased

#: A person column of another name would have to be registered under it.
PERSON = "person_id"


async def _study(learner: Someone, course_id: str) -> None:
    course = (await learner.get(f"/courses/{course_id}")).json()
    lesson = next(x for c in course["chapters"] for s in c["sections"] for x in s["lessons"] if x["quiz_id"])
    enrollment = (await learner.post(f"/courses/{course_id}/enrollments")).json()
    await learner.post(f"/enrollments/{enrollment['id']}/lessons/{lesson['id']}/completion")
    await learner.post(f"/quizzes/{lesson['quiz_id']}/attempts", {"answers": []})


async def test_every_table_with_a_person_is_registered() -> None:
    with_person = {name for name, table in TABLES.items() if PERSON in table.c}

    assert with_person == {"enrollments", "lesson_completions", "attempts"}
    assert with_person <= privacy.registry.tables.keys()


async def test_a_person_is_told_what_content_holds(
    database: Database, learner: Someone, publish_course: ImportCourse
) -> None:
    course_id = await publish_course()
    await _study(learner, course_id)

    async with database.transaction() as session:
        held = await privacy.registry.export(session, learner.person_id)

    assert {name: len(rows) for name, rows in held.items()} == {
        "enrollments": 1,
        "lesson_completions": 1,
        "attempts": 1,
    }
    assert held["enrollments"][0]["course_id"] == UUID(course_id)


async def test_erasing_a_person_removes_what_they_did_and_nobody_elses(
    database: Database,
    delivery: Delivery,
    author: Someone,
    learner: Someone,
    publish_course: ImportCourse,
) -> None:
    course_id = await publish_course()
    await _study(learner, course_id)
    await _study(author, course_id)

    await delivery.deliver(
        privacy.erasure_router("content"), UserErased(person_id=learner.person_id, erased_at=clock.now())
    )

    async with database.transaction() as session:
        assert not any((await privacy.registry.export(session, learner.person_id)).values())
        assert all((await privacy.registry.export(session, author.person_id)).values())
    assert len((await author.get("/enrollments")).json()["items"]) == 1


async def _forget(delivery: Delivery, someone: Someone) -> None:
    erased = UserErased(person_id=someone.person_id, erased_at=clock.now())
    await delivery.deliver(privacy.erasure_router("content"), erased)


async def test_what_a_person_uploaded_is_deleted_and_nobody_elses(
    database: Database, delivery: Delivery, resources: Resources, author: Someone, learner: Someone
) -> None:
    archive = zipped(MARKDOWN)
    archives = resources.get(ArchiveStore)
    assert (await author.upload(archive)).status_code == 202
    bobs = await archives.put(archive, organization_id=author.principal.organization_id, person_id=learner.person_id)
    told = await uploads.export(resources, author.person_id)

    await _forget(delivery, author)
    sweeper = Sweeper("content", database, resources, [uploads], settle_seconds=0)
    async with asyncio.timeout(20):
        while await uploads.export(resources, author.person_id):
            await sweeper.sweep_due()
            await asyncio.sleep(0.02)

    assert [each["sha256"] for each in told] == [bobs]
    assert await archives.get(bobs, organization_id=author.principal.organization_id, person_id=learner.person_id)


async def test_an_upload_that_lasts_longer_than_its_person_leaves_nothing(
    delivery: Delivery, resources: Resources, author: Someone
) -> None:
    await _forget(delivery, author)

    answer = await author.upload(zipped(MARKDOWN))

    assert answer.status_code == 409
    assert await uploads.export(resources, author.person_id) == []
