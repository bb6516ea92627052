"""Exports as jobs: killed, one goes on with the service that it had reached."""

from uuid import UUID

from stoa_auth.portability import service
from stoa_common.database import Session
from stoa_common.jobs import JobContext, JobResult, Tasks

tasks = Tasks("auth")


@tasks.task(service.JOB)
async def collect_export(job: JobContext, session: Session) -> JobResult:
    export_id = UUID(job.arguments["export_id"])
    await service.collect(session, export_id, database=job.database, resources=job.resources, report=job.report)
    return JobResult(export_id, f"/api/v1/auth/me/exports/{export_id}")
