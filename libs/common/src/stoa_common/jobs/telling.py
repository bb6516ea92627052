"""A job's progress as an event of its person: recorded with the change of the job's row, by the outbox."""

from typing import Any, Final

from stoa_common import clock, outbox
from stoa_common.database import Session
from stoa_common.jobs.models import JobStatus
from stoa_events.contracts.operations import operations_of

#: So many reports are told at once, then one a second: events are kept, and a job may report thousands of times.
BURST: Final = 5
PER_SECOND: Final = 1.0


class Pace:
    """Which of a job's reports are told."""

    def __init__(self) -> None:
        self._left = float(BURST)
        self._at = 0.0

    def allows(self, at: float) -> bool:
        """Whether the report of this moment (in seconds, never less than before) is told."""
        self._left = min(float(BURST), self._left + (at - self._at) * PER_SECOND)
        self._at = at
        if self._left < 1:
            return False
        self._left -= 1
        return True


def record(session: Session, service: str, row: Any, *, status: JobStatus, progress: float, step: str) -> None:
    """Record what the job of this row is now; whoever follows their stream is told once this is committed."""
    contract = operations_of(service).job_progressed
    event = contract(
        job_id=row.id,
        person_id=row.person_id,
        # Who belongs to no organization has their jobs under their own id.
        acts_for=None if row.organization_id == row.person_id else row.organization_id,
        kind=row.kind,
        status=status,
        progress=progress,
        step=step,
        changed_at=clock.now(),
    )
    outbox.add(session, event)
