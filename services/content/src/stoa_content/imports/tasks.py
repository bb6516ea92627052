"""Imports as jobs: run twice, they make one course; killed, they leave nothing."""

from stoa_common.database import Session
from stoa_common.jobs import JobContext, JobResult, Tasks
from stoa_content.imports import service
from stoa_content.imports.provider import ArchiveStore

tasks = Tasks("content")


@tasks.task(service.JOB)
async def import_course(job: JobContext, session: Session) -> JobResult:
    await job.report(0.1, "reading the archive")
    archives = job.resources.get(ArchiveStore)
    course = await service.import_course(
        session,
        archives,
        archive=job.arguments["archive"],
        organization_id=job.organization_id,
        person_id=job.person_id,
    )
    return JobResult(course.id, f"/api/v1/content/courses/{course.id}")
