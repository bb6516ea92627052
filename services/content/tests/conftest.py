"""Fixtures of content's tests: the service on a database of its own, people, and courses that were imported."""

import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from hypothesis import settings as hypothesis_settings

sys.path.insert(0, str(Path(__file__).parent))

from content_people import ImportCourse, MakeSomeone, RunJob, Someone
from content_samples import MARKDOWN, zipped

from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.resources import Resources
from stoa_common.service import Service
from stoa_common.testing.identities import Identities
from stoa_content.imports.tasks import tasks
from stoa_content.processes import service as content

# Examples share the machine with servers and other workers: how long one takes says nothing.
hypothesis_settings.register_profile("content", deadline=None)
hypothesis_settings.load_profile("content")


@pytest.fixture(scope="session")
def service() -> Service:
    return content


@pytest.fixture(scope="session")
def settings_overrides(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return {"objects_url": (tmp_path_factory.mktemp("objects") / "uploads").as_uri()}


@pytest.fixture
def organization_id() -> UUID:
    """An organization of the test's own."""
    return new_id()


@pytest.fixture
def someone(client: httpx2.AsyncClient, identities: Identities, organization_id: UUID) -> MakeSomeone:
    def make(*roles: str, organization: UUID | None = None) -> Someone:
        principal = identities.principal(*roles, organization_id=organization or organization_id)
        return Someone(principal, client, identities.headers(principal))

    return make


@pytest.fixture
def author(someone: MakeSomeone) -> Someone:
    return someone("author")


@pytest.fixture
def learner(someone: MakeSomeone) -> Someone:
    return someone("learner")


@pytest.fixture
def stranger(someone: MakeSomeone) -> Someone:
    """An author of another organization."""
    return someone("author", organization=new_id())


@pytest.fixture
def run_job(database: Database, resources: Resources) -> RunJob:
    """Runs a job as the worker does."""

    async def run(job_id: str) -> None:
        await tasks.run(UUID(job_id), database, resources, is_last_try=True)

    return run


@pytest.fixture
def import_course(author: Someone, run_job: RunJob) -> ImportCourse:
    """Imports an archive, by default the Markdown course; the id of the draft."""

    async def import_(archive: bytes | None = None) -> str:
        job = (await author.upload(archive or zipped(MARKDOWN))).json()
        await run_job(job["id"])
        ended = (await author.get(f"/jobs/{job['id']}")).json()
        assert ended["status"] == "succeeded", ended
        return str(ended["result"]["id"])

    return import_


@pytest.fixture
def publish_course(author: Someone, import_course: ImportCourse) -> ImportCourse:
    """Imports and publishes an archive; the id of the course."""

    async def publish(archive: bytes | None = None) -> str:
        course_id = await import_course(archive)
        assert (await author.post(f"/courses/{course_id}/publish")).status_code == 200
        return course_id

    return publish
