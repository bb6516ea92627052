"""Long work: followed, refused, cancelled, and taken up after a kill."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from uuid import UUID

import httpx2
import pytest
from dirty_equals import IsPartialDict
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from stoa_sample import service as sample

from stoa_common.database import Database
from stoa_common.jobs.telling import BURST, PER_SECOND, Pace
from stoa_common.jobs.worker import Worker
from stoa_common.resources import Resources
from stoa_common.testing import Identities
from stoa_common.testing.delivery import Delivery
from stoa_events.contracts import operations_of

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


async def _told(delivery: Delivery, job_id: str) -> list[tuple[str, float, str]]:
    events = await delivery.recorded(operations_of("sample").job_progressed, job_id=UUID(job_id))
    return [(event.status, event.progress, event.step) for event in events]


async def test_its_person_is_told_how_a_job_goes(
    client: httpx2.AsyncClient,
    database: Database,
    resources: Resources,
    identities: Identities,
    delivery: Delivery,
) -> None:
    caller = identities.principal("author")
    headers = identities.headers(caller)
    works, refuses = [
        await client.post(f"{IMPORT}?outcome={outcome}", headers=headers) for outcome in ("works", "refuses")
    ]

    async with _worker(database, resources):
        for accepted in (works, refuses):
            await _ended(client, accepted.json()["id"], headers)

    [event, *_] = await delivery.recorded(operations_of("sample").job_progressed, job_id=UUID(works.json()["id"]))
    assert (event.person_id, event.acts_for, event.kind) == (caller.person_id, caller.organization_id, "notes.import")
    # No organization's feed has a person's jobs.
    assert event.orgid is None
    assert await _told(delivery, works.json()["id"]) == [
        ("running", 0.0, ""),
        ("running", 0.5, "half way"),
        ("succeeded", 1.0, "done"),
    ]
    assert (await _told(delivery, refuses.json()["id"]))[-1] == ("failed", 0.5, "half way")


async def test_a_cancelled_job_is_told_as_one(
    client: httpx2.AsyncClient, identities: Identities, delivery: Delivery
) -> None:
    headers = identities.headers(identities.principal("author"))
    job_id = (await client.post(IMPORT, headers=headers)).json()["id"]

    for _ in range(2):
        await client.delete(f"{JOBS}/{job_id}", headers=headers)

    assert await _told(delivery, job_id) == [("cancelled", 0.0, "")]


@given(st.lists(st.floats(0, 3), max_size=60))
def test_of_many_reports_a_few_and_then_one_a_second_are_told(pauses: list[float]) -> None:
    pace, at, told = Pace(), 1000.0, 0

    for pause in pauses:
        at += pause
        told += pace.allows(at)

    assert told <= BURST + sum(pauses) * PER_SECOND + 1e-6
    assert told >= min(len(pauses), BURST)
