"""Queries on jobs; the caller's organization and scope are part of each."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, insert, select, text, update

from stoa_common.database import Session
from stoa_common.errors import NotFound
from stoa_common.jobs.models import OPEN, JobStatus, jobs
from stoa_common.permissions import Scope
from stoa_common.security import Principal

# procrastinate's own function, so that the job is queued by the transaction that asks for it, or not at all.
_DEFER = text("""
SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(
    'default', 'run_job', 0, CAST(NULL AS text), CAST(NULL AS text),
    jsonb_build_object('job_id', CAST(:job_id AS text)), CAST(NULL AS timestamptz))::procrastinate_job_to_defer_v1])
""")


class JobNotFound(NotFound):
    """There is no such job, or it is not the caller's."""


async def insert_job(session: Session, values: dict[str, Any]) -> None:
    await session.execute(insert(jobs).values(**values))
    await session.execute(_DEFER, {"job_id": str(values["id"])})


async def get_for(session: Session, job_id: UUID, caller: Principal, permission: str) -> Any:
    """The job's row, if it is within the caller's reach; raises JobNotFound."""
    row = (await session.execute(select(jobs).where(jobs.c.id == job_id, *_reach(caller, permission)))).one_or_none()
    if row is None:
        raise JobNotFound("There is no such job.")
    return row


def _reach(caller: Principal, permission: str) -> list[ColumnElement[bool]]:
    conditions = [jobs.c.organization_id == caller.organization_id]
    if caller.scope(permission) is Scope.OWN:
        conditions.append(jobs.c.person_id == caller.person_id)
    return conditions


async def get(session: Session, job_id: UUID) -> Any:
    """The job's row, for the worker; None if it was erased."""
    return (await session.execute(select(jobs).where(jobs.c.id == job_id))).one_or_none()


async def change_open(session: Session, job_id: UUID, **values: Any) -> bool:
    """Change a job that has not ended; False if it has, or is gone."""
    statement = update(jobs).where(jobs.c.id == job_id, jobs.c.status.in_(OPEN)).values(**values)
    return (await session.execute(statement.returning(jobs.c.id))).first() is not None


async def end(session: Session, job_id: UUID, status: JobStatus, *, at: datetime, **values: Any) -> bool:
    return await change_open(session, job_id, status=status, ended_at=at, **values)


async def lock(session: Session, job_id: UUID) -> None:
    """One runner at a time, also when a stalled worker comes back to life. Held until the transaction ends."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:id, 0))"), {"id": str(job_id)})
