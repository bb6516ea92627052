"""The worker role: procrastinate fetches jobs from PostgreSQL; a job of a killed worker is taken up by the next."""

import asyncio
from uuid import UUID

from procrastinate import App, JobContext, PsycopgConnector, RetryStrategy
from procrastinate.exceptions import ConnectorException

from stoa_common import clock, logs
from stoa_common.database import Database
from stoa_common.jobs.tasks import MAX_RETRIES, Tasks
from stoa_common.resources import Resources

HEARTBEAT_SECONDS = 2.0
STALLED_AFTER_SECONDS = 10.0
CONCURRENCY = 2
OPEN_SECONDS = 5.0
log = logs.get_logger()


class Worker:
    """Runs until cancelled."""

    def __init__(self, tasks: Tasks, database: Database, resources: Resources) -> None:
        self._app = App(connector=PsycopgConnector(conninfo=database.url, min_size=1, max_size=4))
        retry = RetryStrategy(max_attempts=MAX_RETRIES, linear_wait=1)

        @self._app.task(name="run_job", pass_context=True, retry=retry)
        async def run_job(context: JobContext, job_id: str) -> None:
            attempts = context.job.attempts if context.job else 0
            await tasks.run(UUID(job_id), database, resources, is_last_try=attempts >= MAX_RETRIES)

    async def run(self) -> None:
        opening = asyncio.ensure_future(self._open())
        try:
            await asyncio.shield(opening)
            await asyncio.gather(self._fetch_jobs(), self._take_up_stalled())
        finally:
            # psycopg's pool swallows a cancellation while it connects, and lives on: let it open, then close it.
            await asyncio.wait([opening], timeout=OPEN_SECONDS)
            await self._app.close_async()

    async def _open(self) -> None:
        await self._app.open_async()

    async def _fetch_jobs(self) -> None:
        await self._app.run_worker_async(
            concurrency=CONCURRENCY,
            install_signal_handlers=False,
            update_heartbeat_interval=HEARTBEAT_SECONDS,
            stalled_worker_timeout=STALLED_AFTER_SECONDS,
            fetch_job_polling_interval=2.0,
            delete_jobs="successful",
            shutdown_graceful_timeout=5.0,
        )

    async def _take_up_stalled(self) -> None:
        manager = self._app.job_manager
        while True:
            try:
                for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_SECONDS):
                    log.warning("job_taken_up", job=job.id)
                    await manager.retry_job(job, retry_at=clock.now())
            except ConnectorException as error:
                log.warning("job_sweep_held", error=type(error).__name__)
            await asyncio.sleep(HEARTBEAT_SECONDS)
