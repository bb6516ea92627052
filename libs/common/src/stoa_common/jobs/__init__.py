"""Long work: a row that callers follow, and a worker that survives kill -9."""

from stoa_common.jobs.service import enqueue
from stoa_common.jobs.tasks import JobContext, JobResult, Tasks

__all__ = ["JobContext", "JobResult", "Tasks", "enqueue"]
