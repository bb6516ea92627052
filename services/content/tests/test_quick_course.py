"""The short way to a course answers what its route answers, and leaves every refusal to it."""

from uuid import UUID

import httpx2
import pytest
from content_people import ImportCourse, MakeSomeone, Someone
from content_samples import OLX, zipped

#: A query takes a request off the short way.
BY_THE_ROUTE = "?by=its-route"


@pytest.mark.parametrize("archive", [None, zipped(OLX)])
async def test_both_ways_answer_the_same(
    author: Someone, learner: Someone, publish_course: ImportCourse, archive: bytes | None
) -> None:
    course_id = await (publish_course(archive) if archive else publish_course())

    for reader in (author, learner):
        quick = await reader.get(f"/courses/{course_id}")
        route = await reader.get(f"/courses/{course_id}{BY_THE_ROUTE}")

        assert quick.status_code == 200
        assert quick.content == route.content
        assert quick.headers["content-type"] == route.headers["content-type"]


async def test_a_draft_is_there_for_its_author_alone(
    author: Someone, learner: Someone, import_course: ImportCourse
) -> None:
    course_id = await import_course()

    assert (await author.get(f"/courses/{course_id}")).json()["status"] == "draft"
    assert (await learner.get(f"/courses/{course_id}")).status_code == 404


@pytest.mark.parametrize(("name", "status"), [(str(UUID(int=7)), 404), ("no-id", 422), ("x" * 36, 422)])
async def test_what_is_not_there_is_refused_as_ever(learner: Someone, name: str, status: int) -> None:
    answer = await learner.get(f"/courses/{name}")

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_nobody_reads_without_a_token(client: httpx2.AsyncClient, publish_course: ImportCourse) -> None:
    course_id = await publish_course()

    answer = await client.get(f"/api/v1/content/courses/{course_id}", headers={"Authorization": "Bearer nonsense"})

    assert answer.status_code == 401
    assert "WWW-Authenticate" in answer.headers


async def test_a_quick_read_is_counted_as_its_route(
    client: httpx2.AsyncClient, learner: Someone, publish_course: ImportCourse
) -> None:
    await learner.get(f"/courses/{await publish_course()}")

    metrics = (await client.get("/metrics")).text

    assert 'method="GET",route="/api/v1/content/courses/{course_id}",status="200"' in metrics


async def test_another_organizations_course_is_not_there(stranger: Someone, publish_course: ImportCourse) -> None:
    course_id = await publish_course()

    assert (await stranger.get(f"/courses/{course_id}")).status_code == 404


async def test_who_may_read_no_courses_is_refused(someone: MakeSomeone, publish_course: ImportCourse) -> None:
    course_id = await publish_course()

    assert (await someone("operator").get(f"/courses/{course_id}")).status_code == 403
