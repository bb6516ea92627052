"""The second look: what began before the erasure may write after it, and lies outside the tables too.

A person's token is refused within a second of their erasure, but a request or a handler that was at work then may still
commit a row about them. So a sweep follows when everything that could have begun with such a token has ended. Only
after it does the service say that it has forgotten the person. Runs beside the consumers, and survives being killed.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, text

from stoa_common import clock, failures, logs, outbox
from stoa_common.database import Database, Session
from stoa_common.privacy.erasing import digest, erase, erasures_due
from stoa_common.privacy.registry import PersonalSource
from stoa_common.resources import Resources
from stoa_events.contracts.operations import operations_of

log = logs.get_logger()
#: A revoked token is refused within a second; the rest is for a request that was verified and has not begun to write.
SETTLE_SECONDS: Final = 3.0
POLL_SECONDS: Final = 1.0
# Both times are the database's. A transaction that began while tokens still counted may hold a row that nobody sees.
_NEXT: Final = text("""
SELECT person_id, requested_at FROM erasures_due AS due
WHERE erased_at < clock_timestamp() - make_interval(secs => :settle)
AND NOT EXISTS (
    SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND backend_type = 'client backend' AND xact_start < due.erased_at + make_interval(secs => :settle)
)
ORDER BY requested_at LIMIT 1 FOR UPDATE SKIP LOCKED
""")


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Sweeps for one service."""

    service: str
    database: Database
    resources: Resources
    sources: Sequence[PersonalSource] = ()
    settle_seconds: float = SETTLE_SECONDS

    async def run(self) -> None:
        """Runs until cancelled; what is away is asked again."""
        while True:
            with failures.held("sweep_held"):
                while await self.sweep_next():
                    pass
            await asyncio.sleep(POLL_SECONDS)

    async def sweep_next(self) -> bool:
        """Finish the erasure that has waited longest; False where none is due."""
        async with self.database.transaction() as session:
            due = (await session.execute(_NEXT, {"settle": self.settle_seconds})).one_or_none()
            if due is None:
                return False
            await self._finish(session, due)
        log.info("person_forgotten")
        return True

    async def _finish(self, session: Session, due: Any) -> None:
        # The driver's own class, which not everything that a source hands it to takes.
        person_id = UUID(str(due.person_id))
        for source in self.sources:
            await source.erase(self.resources, person_id)
        await erase(session, person_id, at=due.requested_at)
        await session.execute(delete(erasures_due).where(erasures_due.c.person_id == person_id))
        completed = operations_of(self.service).privacy_completed
        outbox.add(
            session,
            completed(person_digest=digest(person_id), requested_at=due.requested_at, completed_at=clock.now()),
        )
