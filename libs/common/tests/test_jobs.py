"""Long work: followed, refused, cancelled, and taken up after a kill."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from uuid import UUID

import httpx2
import pytest
from dirty_equals import IsPartialDict
from sqlalchemy import select, text
from stoa_sample import service as sample

from stoa_common.database import Database
from stoa_common.jobs.worker import Worker
from stoa_common.resources import Resources
from stoa_common.testing import Identities

IMPORT = "/api/v1/sample/notes/import"
JOBS = "/api/v1/sample/jobs"


@contextlib.asynccontextmanager
async def _worker(database: Database, resources: Resources) -> AsyncIterator[None]:
    task = asyncio.create_task(Worker(sample.tasks, database, resources).run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _ended(client: httpx2.AsyncClient, job_id: str, headers: dict[str, str]) -> dict[str, object]:
    async with asyncio.timeout(30):
        while True:
            job: dict[str, object] = (await client.get(f"{JOBS}/{job_id}", headers=headers)).json()
            if job["status"] not in {"queued", "running"}:
                return job
            await asyncio.sleep(0.05)


async def _notes_of(database: Database, person_id: UUID) -> list[str]:
    async with database.transaction() as session:
        return list(await session.scalars(select(sample.Note.text).where(sample.Note.person_id == person_id)))


async def test_a_job_is_accepted_followed_and_makes_its_thing_once(
    client: httpx2.AsyncClient, database: Database, resources: Resources, identities: Identities
) -> None:
    caller = identities.principal("author")
    headers = identities.headers(caller)

    accepted = await client.post(IMPORT, headers=headers)
    async with _worker(database, resources):
        job = await _ended(client, accepted.json()["id"], headers)

    assert (accepted.status_code, accepted.json()["status"]) == (202, "queued")
    assert job == IsPartialDict(status="succeeded", progress=1.0, problem=None)
    assert await _notes_of(database, caller.person_id) == [f"imported by {accepted.json()['id']}"]


@pytest.mark.parametrize(
    ("outcome", "status", "kind"),
    [("refuses", 409, "urn:stoa:problem:note-is-forbidden"), ("breaks", 500, "urn:stoa:problem:internal-error")],
)
async def test_a_job_that_fails_says_why_and_leaves_nothing(
    client: httpx2.AsyncClient,
    database: Database,
    resources: Resources,
    identities: Identities,
    outcome: str,
    status: int,
    kind: str,
) -> None:
    caller = identities.principal("author")
    headers = identities.headers(caller)

    accepted = await client.post(IMPORT, params={"outcome": outcome}, headers=headers)
    async with _worker(database, resources):
        job = await _ended(client, accepted.json()["id"], headers)

    assert job["status"] == "failed"
    assert job["problem"] == IsPartialDict(status=status, type=kind)
    assert await _notes_of(database, caller.person_id) == []


async def test_a_job_whose_worker_was_killed_is_taken_up(
    client: httpx2.AsyncClient, database: Database, resources: Resources, identities: Identities
) -> None:
    caller = identities.principal("author")
    headers = identities.headers(caller)
    accepted = await client.post(IMPORT, headers=headers)
    async with database.transaction() as session:
        # What kill -9 leaves: a job that a worker without a heartbeat is doing.
        worker = "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id"
        worker_id = await session.scalar(text(worker))
        doing = "UPDATE procrastinate_jobs SET status = 'doing', worker_id = :w WHERE args->>'job_id' = :j"
        await session.execute(text(doing), {"w": worker_id, "j": accepted.json()["id"]})
        running = text("UPDATE jobs SET status = 'running' WHERE id = :j")
        await session.execute(running, {"j": UUID(accepted.json()["id"])})

    async with _worker(database, resources):
        job = await _ended(client, accepted.json()["id"], headers)

    assert job["status"] == "succeeded"
    assert len(await _notes_of(database, caller.person_id)) == 1


async def test_a_cancelled_job_does_nothing(
    client: httpx2.AsyncClient, database: Database, resources: Resources, identities: Identities
) -> None:
    caller = identities.principal("author")
    headers = identities.headers(caller)
    accepted = await client.post(IMPORT, headers=headers)

    cancelled = await client.delete(f"{JOBS}/{accepted.json()['id']}", headers=headers)
    async with _worker(database, resources):
        await asyncio.sleep(0.5)

    assert cancelled.json()["status"] == "cancelled"
    assert await _notes_of(database, caller.person_id) == []


async def test_a_job_is_its_owners_and_the_admins_alone(client: httpx2.AsyncClient, identities: Identities) -> None:
    owner = identities.principal("author")
    accepted = await client.post(IMPORT, headers=identities.headers(owner))
    path = f"{JOBS}/{accepted.json()['id']}"
    organization = owner.organization_id

    colleague = identities.principal("author", organization_id=organization)
    admin = identities.principal("admin", organization_id=organization)
    stranger = identities.principal("admin")
    seen = [(await client.get(path, headers=identities.headers(p))).status_code for p in (colleague, admin, stranger)]

    assert seen == [404, 200, 404]


async def test_progress_streams_until_the_end(
    client: httpx2.AsyncClient, database: Database, resources: Resources, identities: Identities
) -> None:
    headers = identities.headers(identities.principal("author"))
    accepted = await client.post(IMPORT, headers=headers)

    async with _worker(database, resources):
        stream = await client.get(f"{JOBS}/{accepted.json()['id']}/events", headers=headers)

    assert stream.headers["content-type"].startswith("text/event-stream")
    assert "event: job" in stream.text
    assert '"status":"succeeded"' in stream.text.rstrip().rsplit("\n\n", 1)[-1]
