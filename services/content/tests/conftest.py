"""Fixtures of content's tests: the service on a database of its own, people, and courses that were imported."""

import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from content_samples import MARKDOWN, zipped

from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.resources import Resources
from stoa_common.security import Principal
from stoa_common.service import Service
from stoa_common.testing.identities import Identities
from stoa_content.imports.tasks import tasks
from stoa_content.processes import service as content

API = "/api/v1/content"


@pytest.fixture(scope="session")
def service() -> Service:
    return content


@pytest.fixture(scope="session")
def settings_overrides(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return {"objects_url": (tmp_path_factory.mktemp("objects") / "uploads").as_uri()}


@dataclass(frozen=True)
class Someone:
    """A person with a client: every request is theirs."""

    principal: Principal
    client: httpx2.AsyncClient
    headers: dict[str, str]

    @property
    def person_id(self) -> UUID:
        return self.principal.person_id

    async def get(self, path: str, **params: Any) -> httpx2.Response:
        return await self.client.get(API + path, headers=self.headers, params=params)

    async def post(self, path: str, json: Any = None, **kwargs: Any) -> httpx2.Response:
        headers = {**self.headers, **kwargs.pop("headers", {})}
        return await self.client.post(API + path, headers=headers, json=json, **kwargs)

    async def upload(self, archive: bytes, **headers: str) -> httpx2.Response:
        return await self.post("/imports", content=archive, headers=headers)


MakeSomeone = Callable[..., Someone]


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


RunJob = Callable[[str], Awaitable[None]]
ImportCourse = Callable[..., Awaitable[str]]


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
