"""What can be done with a job: ask for it, look at it, cancel it."""

from typing import Any
from uuid import UUID

from stoa_common import clock, context
from stoa_common.database import Session
from stoa_common.ids import new_id
from stoa_common.jobs import repository, telling
from stoa_common.jobs.models import JobStatus
from stoa_common.jobs.schemas import JobOut
from stoa_common.security import Principal


async def enqueue(session: Session, kind: str, *, caller: Principal, arguments: dict[str, Any]) -> JobOut:
    """Record a job and queue it with this transaction. `arguments` hold ids, never content.

    A job of somebody who acts for no organization, as operators do, is in nobody's but their own.
    """
    job_id = new_id()
    values = {
        "id": job_id,
        "kind": kind,
        "organization_id": caller.organization or caller.person_id,
        "person_id": caller.person_id,
        "status": JobStatus.QUEUED,
        "progress": 0.0,
        "step": "",
        "arguments": arguments,
        "correlation_id": context.current().correlation_id,
        "traceparent": context.traceparent(),
        "created_at": clock.now(),
    }
    await repository.insert_job(session, values)
    return await get_job_row(session, job_id)


async def get_job_row(session: Session, job_id: UUID) -> JobOut:
    return JobOut.model_validate(await repository.get(session, job_id))


async def get_job(session: Session, job_id: UUID, caller: Principal) -> JobOut:
    return JobOut.model_validate(await repository.get_for(session, job_id, caller, "job:read"))


async def cancel_job(session: Session, job_id: UUID, caller: Principal, *, service: str) -> JobOut:
    """Stop a job at its next step. One that has ended stays as it ended."""
    row = await repository.get_for(session, job_id, caller, "job:write")
    if await repository.end(session, job_id, JobStatus.CANCELLED, at=clock.now()):
        telling.record(session, service, row, status=JobStatus.CANCELLED, progress=row.progress, step=row.step)
    return await get_job_row(session, job_id)
