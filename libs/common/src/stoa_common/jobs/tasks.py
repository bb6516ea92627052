"""What kinds of jobs a service runs, and one run of one job.

A task does its effect and its end in one transaction: run twice, it takes effect once; killed, it leaves nothing.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from stoa_common import clock, context, logs, metrics, telemetry
from stoa_common.database import Database, Session
from stoa_common.errors import Refusal, Unavailable
from stoa_common.http import problems
from stoa_common.jobs import repository, telling
from stoa_common.jobs.models import OPEN, JobStatus
from stoa_common.jobs.telling import Pace
from stoa_common.resources import Resources

MAX_RETRIES: Final = 2
log = logs.get_logger()


class JobCancelled(Exception):
    """The caller cancelled the job; the transaction is rolled back."""


@dataclass(frozen=True, slots=True)
class JobResult:
    """What a job made: its id and where it can be read."""

    id: UUID
    href: str


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a task knows of its job. Progress is told at once, outside the task's own transaction.

    Its person's stream hears of it, too, at a measured `pace`.
    """

    id: UUID
    kind: str
    organization_id: UUID
    person_id: UUID
    arguments: dict[str, Any]
    resources: Resources
    database: Database
    service: str
    pace: Pace = field(default_factory=Pace)

    async def report(self, progress: float, step: str) -> None:
        """Tell how far the job is (0 to 1); raises JobCancelled if it was cancelled meanwhile."""
        async with self.database.transaction() as session:
            if not await repository.change_open(session, self.id, progress=progress, step=step):
                raise JobCancelled
            if self.pace.allows(time.monotonic()):
                telling.record(session, self.service, self, status=JobStatus.RUNNING, progress=progress, step=step)


Task = Callable[[JobContext, Session], Awaitable[JobResult]]


class Tasks:
    """The tasks of one service: `@tasks.task("course.import")` above `async def f(job, session) -> JobResult`."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._tasks: dict[str, Task] = {}

    def task(self, kind: str) -> Callable[[Task], Task]:
        def register(task: Task) -> Task:
            self._tasks[kind] = task
            return task

        return register

    async def run(self, job_id: UUID, database: Database, resources: Resources, *, is_last_try: bool) -> None:
        """Run a job to its end. A refusal fails it for good; what may pass is raised for another try, till the last."""
        row = await self._start(database, job_id)
        if row is None:
            return
        with context.use(context.Context(row.correlation_id)):
            try:
                with telemetry.handle_span(f"job {row.kind}", row.traceparent, {"stoa.job.kind": row.kind}):
                    await self._run_started(row, database, resources)
            except JobCancelled:
                log.info("job_cancelled", job_id=str(job_id))
            except Refusal as refusal:
                if isinstance(refusal, Unavailable) and not is_last_try:
                    raise
                await self._fail(database, row, refusal)
            except Exception:
                if is_last_try:
                    detail = "Something went wrong on our side; quote the job's id when you report it."
                    await self._fail(database, row, problems.InternalError(detail))
                raise

    async def _start(self, database: Database, job_id: UUID) -> Any:
        async with database.transaction() as session:
            row = await repository.get(session, job_id)
            if row is None or row.status not in OPEN:
                return None
            if await repository.change_open(session, job_id, status=JobStatus.RUNNING, started_at=clock.now()):
                self._record(session, row, JobStatus.RUNNING)
            return row

    async def _run_started(self, row: Any, database: Database, resources: Resources) -> None:
        owner = (row.organization_id, row.person_id)
        job = JobContext(row.id, row.kind, *owner, row.arguments, resources, database, self._service)
        async with database.transaction() as session:
            await repository.lock(session, row.id)
            current = await repository.get(session, row.id)
            # Gone: its person was erased meanwhile.
            if current is None or current.status not in OPEN:
                return
            result = await self._tasks[row.kind](job, session)
            told = {"id": str(result.id), "href": result.href}
            done = {"progress": 1.0, "step": "done", "result": told}
            if not await repository.end(session, row.id, JobStatus.SUCCEEDED, at=clock.now(), **done):
                raise JobCancelled
            telling.record(session, self._service, row, status=JobStatus.SUCCEEDED, progress=1.0, step="done")
        metrics.JOBS.labels(row.kind, JobStatus.SUCCEEDED.value).inc()

    async def _fail(self, database: Database, row: Any, refusal: Refusal) -> None:
        problem = problems.document(refusal, instance=str(row.id))
        async with database.transaction() as session:
            if await repository.end(session, row.id, JobStatus.FAILED, at=clock.now(), problem=problem):
                self._record(session, await repository.get(session, row.id), JobStatus.FAILED)
        metrics.JOBS.labels(row.kind, JobStatus.FAILED.value).inc()
        log.warning("job_failed", job_id=str(row.id), kind=row.kind, problem=problem["type"])

    def _record(self, session: Session, row: Any, status: JobStatus) -> None:
        telling.record(session, self._service, row, status=status, progress=row.progress, step=row.step)
