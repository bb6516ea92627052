"""A course comes in: checked at once, written by a job, all of it or nothing."""

import asyncio
import base64
import hashlib
from uuid import UUID

import pytest
from content_people import ImportCourse, RunJob, Someone
from content_samples import MARKDOWN, OLX, SHARED, folder_as_tar, gzipped, with_file, zipped

from stoa_common.database import Database
from stoa_common.jobs.worker import Worker
from stoa_common.resources import Resources
from stoa_common.testing.delivery import Delivery
from stoa_content.imports.tasks import tasks
from stoa_events.contracts.content import CourseImported


async def test_an_import_answers_with_a_job_and_its_address(author: Someone) -> None:
    answer = await author.upload(zipped(MARKDOWN))

    assert answer.status_code == 202
    assert answer.json()["status"] == "queued"
    assert answer.headers["location"] == f"/api/v1/content/jobs/{answer.json()['id']}"


async def test_an_imported_course_is_a_draft_with_its_outline(author: Someone, import_course: ImportCourse) -> None:
    course_id = await import_course()

    course = (await author.get(f"/courses/{course_id}")).json()

    assert (course["title"], course["status"], course["source_format"]) == ("Plants", "draft", "markdown")
    assert (course["lesson_count"], course["question_count"]) == (3, 4)
    assert [chapter["title"] for chapter in course["chapters"]] == ["On leaves", "Roots"]
    titles = [lesson["title"] for s in course["chapters"][0]["sections"] for lesson in s["lessons"]]
    assert titles == ["Why leaves are green", "What plants are"]


async def test_an_import_is_recorded(delivery: Delivery, organization_id: UUID, import_course: ImportCourse) -> None:
    course_id = await import_course(gzipped(OLX))

    (event,) = await delivery.recorded(CourseImported, organization_id=organization_id)

    assert (str(event.course_id), event.title, event.source_format) == (course_id, "Plants", "olx")
    assert (event.lesson_count, event.question_count) == (1, 1)


async def test_a_job_that_runs_twice_makes_one_course(author: Someone, run_job: RunJob) -> None:
    job_id = (await author.upload(zipped(MARKDOWN))).json()["id"]

    await asyncio.gather(run_job(job_id), run_job(job_id))
    await run_job(job_id)

    assert len((await author.get("/courses")).json()["items"]) == 1


async def test_a_job_that_is_cut_off_leaves_nothing_and_succeeds_later(
    author: Someone, run_job: RunJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = (await author.upload(zipped(MARKDOWN))).json()["id"]
    with monkeypatch.context() as patched:
        patched.setattr("stoa_content.imports.service._imported", _cut_off)
        with pytest.raises(asyncio.CancelledError):
            await run_job(job_id)
    assert (await author.get("/courses")).json()["items"] == []

    await run_job(job_id)

    assert len((await author.get("/courses")).json()["items"]) == 1


def _cut_off(*_: object) -> None:
    raise asyncio.CancelledError


async def test_the_worker_runs_imports(author: Someone, database: Database, resources: Resources) -> None:
    job_id = (await author.upload(zipped(MARKDOWN))).json()["id"]
    worker = asyncio.create_task(Worker(tasks, database, resources).run())
    try:
        async with asyncio.timeout(20):
            while (await author.get(f"/jobs/{job_id}")).json()["status"] != "succeeded":
                await asyncio.sleep(0.1)
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)

    assert len((await author.get("/courses")).json()["items"]) == 1


async def test_equal_parallel_uploads_under_one_key_make_one_job(author: Someone) -> None:
    archive = zipped(MARKDOWN)

    answers = await asyncio.gather(*(author.upload(archive, **{"Idempotency-Key": "one"}) for _ in range(8)))

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1


@pytest.mark.parametrize("algorithm", ["sha-256", "sha-512"])
async def test_an_upload_whose_digest_is_right_is_taken(author: Someone, algorithm: str) -> None:
    archive = zipped(MARKDOWN)

    answer = await author.upload(archive, **{"Content-Digest": _digest(algorithm, archive)})

    assert answer.status_code == 202


@pytest.mark.parametrize(
    "header",
    ["sha-256=:AAAA:", "sha-256=AAAA", "md5=:AAAA:", "sha-256=:A:", ""],
)
async def test_an_upload_whose_digest_is_wrong_or_unreadable_is_refused(author: Someone, header: str) -> None:
    answer = await author.upload(zipped(MARKDOWN), **{"Content-Digest": header})

    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:stoa:problem:content-digest-is-wrong"


def _digest(algorithm: str, content: bytes) -> str:
    digest = hashlib.new(algorithm.replace("-", ""), content).digest()
    return f"{algorithm}=:{base64.b64encode(digest).decode()}:"


async def test_a_malformed_course_is_refused_at_once_with_file_and_line(author: Someone) -> None:
    answer = await author.upload(zipped(with_file("03-new.md", "---\ntitle: 2024\n---\n")))

    assert answer.status_code == 422
    problem = answer.json()
    assert problem["type"] == "urn:stoa:problem:course-is-malformed"
    assert problem["errors"] == [{"field": "03-new.md:2", "message": "`title` must be text; put it in quotes."}]
    assert (await author.get("/courses")).json()["items"] == []


@pytest.mark.parametrize(("archive", "status"), [(b"", 415), (b"plain text", 415), (b"PK\x03\x04broken", 422)])
async def test_what_is_no_archive_is_refused_with_a_problem(author: Someone, archive: bytes, status: int) -> None:
    answer = await author.upload(archive)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_upload_over_the_limit_is_refused(author: Someone) -> None:
    answer = await author.upload(b"\0" * (20 * 1024 * 1024 + 1))

    assert answer.status_code == 413


async def test_learners_import_nothing(learner: Someone) -> None:
    assert (await learner.upload(zipped(MARKDOWN))).status_code == 403


async def test_the_report_names_what_was_left_out(author: Someone, import_course: ImportCourse) -> None:
    course_id = await import_course(gzipped(OLX))

    report = (await author.get(f"/courses/{course_id}/import-report")).json()

    assert report["counts"] == {"chapter": 1, "sequential": 1, "vertical": 1, "html": 1, "problem": 1, "video": 1}
    assert [(each["kind"], each["id"]) for each in report["unsupported"]] == [("file", "static/leaf.png")]


async def test_a_report_is_for_authors_of_its_organization(
    learner: Someone, stranger: Someone, import_course: ImportCourse
) -> None:
    course_id = await import_course()

    assert (await learner.get(f"/courses/{course_id}/import-report")).status_code == 403
    assert (await stranger.get(f"/courses/{course_id}/import-report")).status_code == 404


async def test_the_kitchen_sink_comes_in_whole(author: Someone, import_course: ImportCourse) -> None:
    folder = SHARED / "courses" / "kitchen_sink"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: it lies beside the repository, not in it.")
    course_id = await import_course(folder_as_tar(folder))

    report = (await author.get(f"/courses/{course_id}/import-report")).json()

    counts = {name: report["counts"][name] for name in ("chapter", "sequential", "vertical", "problem", "video")}
    assert counts == {"chapter": 4, "sequential": 15, "vertical": 16, "problem": 14, "video": 2}
    named = {(each["type"], each["title"]) for each in report["unsupported"]}
    assert named >= {
        ("customresponse", "Custom Javascript Display and Grading"),
        ("customresponse", "Custom Python-Evaluated Input"),
        ("customresponse", "Drag and Drop"),
        ("formularesponse", "Math Expression Input"),
        ("numericalresponse", "Numerical Input"),
        ("azure_media_services", "WAMS"),
    }
