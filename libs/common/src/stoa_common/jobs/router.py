"""`/api/v1/<service>/jobs`: the same three routes in every service that has long work."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from stoa_common.database import Database, DatabaseDep, SessionDep
from stoa_common.http import Router, require
from stoa_common.jobs import service
from stoa_common.jobs.models import OPEN
from stoa_common.jobs.schemas import JobOut
from stoa_common.security import Caller, Principal
from stoa_common.sse import EventStream, ServerEvent

POLL_SECONDS = 0.3


def jobs_router(service_name: str) -> Router:
    router = Router(prefix=f"/api/v1/{service_name}/jobs", tags=["jobs"])

    @router.get("/{job_id}", response_model=JobOut, **require("job:read"))
    async def get_job(job_id: UUID, session: SessionDep, caller: Caller) -> JobOut:
        """Tell how far a job is, and what it made or why it failed."""
        return await service.get_job(session, job_id, caller)

    @router.delete("/{job_id}", response_model=JobOut, **require("job:write"))
    async def cancel_job(job_id: UUID, session: SessionDep, caller: Caller) -> JobOut:
        """Cancel a job; one that has ended stays as it is."""
        return await service.cancel_job(session, job_id, caller, service=service_name)

    @router.get("/{job_id}/events", response_class=EventStream, responses=_STREAM, **require("job:read"))
    async def follow_job(job_id: UUID, database: DatabaseDep, caller: Caller) -> EventStream:
        """Stream the job's progress until it ends."""
        async with database.transaction() as session:
            await service.get_job(session, job_id, caller)
        return EventStream(_follow(database, job_id, caller))

    return router


_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "Events named `job`, each with the job as JSON.", "content": {"text/event-stream": {}}}
}


async def _follow(database: Database, job_id: UUID, caller: Principal) -> AsyncIterator[ServerEvent]:
    told: JobOut | None = None
    while True:
        async with database.transaction() as session:
            job = await service.get_job(session, job_id, caller)
        if job != told:
            yield ServerEvent("job", job.told())
            told = job
        if job.status not in OPEN:
            return
        await asyncio.sleep(POLL_SECONDS)
