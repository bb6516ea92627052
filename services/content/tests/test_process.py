"""Content's worker as a process of its own, killed without warning in the middle of an import."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from content_people import Someone
from content_samples import Files, zipped

from stoa_common.settings import ServiceSettings
from stoa_content.settings import Settings

MAIN = "from stoa_content.processes import main; main()"
LESSONS = 300


def a_long_course() -> bytes:
    lesson = "---\ntitle: Lesson {}\nkind: quiz\n---\n## Sum {}\n= 1\n\n## Difference\n= 2\n"
    files: Files = {f"1-all/{n}-x.md": lesson.format(n, n) for n in range(LESSONS)}
    return zipped({"course.md": "---\ntitle: Long\n---\n", **files})


@asynccontextmanager
async def a_worker(settings: ServiceSettings) -> AsyncIterator[asyncio.subprocess.Process]:
    """The worker role, until the block ends."""
    assert isinstance(settings, Settings)
    assert settings.database_url
    environment = {
        "PATH": os.environ["PATH"],
        "CONTENT_DATABASE_URL": settings.database_url.get_secret_value(),
        "CONTENT_OBJECTS_URL": settings.objects_url,
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", MAIN, "worker", env=environment)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _reached(author: Someone, job_id: str, status: str) -> None:
    async with asyncio.timeout(60):
        while (await author.get(f"/jobs/{job_id}")).json()["status"] != status:
            await asyncio.sleep(0.02)


@pytest.mark.slow
async def test_an_import_whose_worker_is_killed_comes_in_whole_and_once(
    author: Someone, settings: ServiceSettings
) -> None:
    job_id = (await author.upload(a_long_course())).json()["id"]
    async with a_worker(settings) as worker:
        await _reached(author, job_id, "running")
        worker.kill()
        await worker.wait()
    assert (await author.get(f"/jobs/{job_id}")).json()["status"] == "running"
    assert (await author.get("/courses")).json()["items"] == []

    async with a_worker(settings):
        await _reached(author, job_id, "succeeded")

    (course,) = (await author.get("/courses")).json()["items"]
    assert (course["lesson_count"], course["question_count"]) == (LESSONS, 2 * LESSONS)
