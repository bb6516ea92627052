"""The second look: what began before the erasure may write after it, and lies outside the tables too.

A person's token is refused within a second of their erasure, but a request or a handler that was at work then may still
commit a row about them. So a sweep follows when everything that could have begun with such a token has ended. Only
after it does the service say that it has forgotten the person. Runs beside the consumers, and survives being killed.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, text

from stoa_common import clock, failures, logs, outbox
from stoa_common.database import Database, Session
from stoa_common.messaging import parking
from stoa_common.privacy.erasing import digest, erase, erasures_due
from stoa_common.privacy.registry import PersonalSource
from stoa_common.resources import Resources
from stoa_events.contracts.operations import operations_of

log = logs.get_logger()
#: A revoked token is refused within a second; the rest is for a request that was verified and has not begun to write.
SETTLE_SECONDS: Final = 3.0
POLL_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 5.0
# The time at which the erasure was seen, and not the one at which it was written: a commit may take long, and whoever
# begins before it does not see that the person was erased.
_NOTE_SEEN: Final = text("UPDATE erasures_due SET erased_at = clock_timestamp() WHERE erased_at IS NULL")
# Both times are the database's. A transaction that began while tokens still counted may hold a row that nobody sees.
_DUE: Final = text("""
SELECT person_id FROM erasures_due AS due
WHERE erased_at < clock_timestamp() - make_interval(secs => :settle)
AND NOT EXISTS (
    SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND backend_type = 'client backend' AND xact_start < due.erased_at + make_interval(secs => :settle)
)
ORDER BY requested_at, person_id
""")
_TAKE: Final = text("SELECT requested_at FROM erasures_due WHERE person_id = :person_id FOR UPDATE SKIP LOCKED")


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
            wait = RETRY_SECONDS
            with failures.held("sweep_held"):
                wait = POLL_SECONDS if await self.sweep_due() else RETRY_SECONDS
            await asyncio.sleep(wait)

    async def sweep_due(self) -> bool:
        """Finish each erasure that is due, the one that has waited longest first; whether none of them failed."""
        return all([await self._try(person_id) for person_id in await self.list_due()])

    async def list_due(self) -> list[UUID]:
        """The people about whom nothing can be written any more, but by what sees that they were erased."""
        async with self.database.transaction() as session:
            await session.execute(_NOTE_SEEN)
            due = await session.scalars(_DUE, {"settle": self.settle_seconds})
            # The driver's own class, which not everything that a source hands it to takes.
            return [UUID(str(person_id)) for person_id in due]

    async def _try(self, person_id: UUID) -> bool:
        try:
            await self.sweep(person_id)
        except Exception as error:  # noqa: BLE001  # an edge: it keeps neither the others nor the process from work
            # It stays due, and auth tells that it is late. An error's own words may be personal.
            tell = log.warning if failures.is_infrastructure(error) else log.error
            tell("erasure_failed", person_digest=digest(person_id), error=parking.describe(error))
            return False
        return True

    async def sweep(self, person_id: UUID) -> None:
        """Finish one erasure; nothing happens where another sweeper has it in hand, or has done it."""
        async with self.database.transaction() as session:
            due = (await session.execute(_TAKE, {"person_id": person_id})).one_or_none()
            if due is None:
                return
            await self._finish(session, person_id, requested_at=due.requested_at)
        log.info("person_forgotten")

    async def _finish(self, session: Session, person_id: UUID, *, requested_at: datetime) -> None:
        for source in self.sources:
            await source.erase(self.resources, person_id)
        await erase(session, person_id, at=requested_at)
        await session.execute(delete(erasures_due).where(erasures_due.c.person_id == person_id))
        completed = operations_of(self.service).privacy_completed
        outbox.add(
            session,
            completed(person_digest=digest(person_id), requested_at=requested_at, completed_at=clock.now()),
        )
