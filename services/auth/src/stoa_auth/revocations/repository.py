"""Every query of revocations."""

from datetime import datetime
from typing import Final

from sqlalchemy import delete, func, select, text

from stoa_auth.revocations.models import Revocation, RevocationCounter
from stoa_common.database import Session
from stoa_common.revocations import KEPT_SECONDS, Extract
from stoa_common.revocations import Revocation as Told

_ADD: Final = text("""
WITH next AS (UPDATE revocation_counter SET number = number + :count RETURNING number - :count AS last)
INSERT INTO revocations (number, subject, not_before, expires_at)
SELECT last + place, subject, clock_timestamp(), clock_timestamp() + make_interval(secs => :kept)
FROM next, unnest(CAST(:subjects AS text[])) WITH ORDINALITY AS told (subject, place)
""")


class RevocationRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def now(self) -> datetime:
        """The database's time: replicas have clocks of their own, and what is compared must come from one."""
        found: datetime = (await self._session.execute(select(func.clock_timestamp()))).scalar_one()
        return found

    async def add(self, *subjects: str) -> None:
        """Refuse what the subjects were given up to now."""
        # The number is held to the commit: whoever takes it must not wait for another row afterwards.
        await self._session.flush()
        values = {"subjects": list(subjects), "count": len(subjects), "kept": KEPT_SECONDS}
        await self._session.execute(_ADD, values)

    async def read(self, *, after: int) -> Extract:
        """What still counts of the entries that follow this number."""
        # The number first: a row that is committed in between is told, and told again next time.
        upto = await self._session.scalar(select(RevocationCounter.number)) or 0
        counts = (Revocation.number > after, Revocation.expires_at > func.clock_timestamp())
        rows = await self._session.scalars(select(Revocation).where(*counts).order_by(Revocation.number))
        return Extract(upto, [_told(row) for row in rows])

    async def forget_expired(self) -> int:
        """Delete what counts no more; the number below which nothing is left."""
        await self._session.execute(delete(Revocation).where(Revocation.expires_at <= func.clock_timestamp()))
        oldest = await self._session.scalar(select(func.min(Revocation.number)))
        return oldest or await self._session.scalar(select(RevocationCounter.number)) or 0


def _told(row: Revocation) -> Told:
    return Told(row.number, row.subject, row.not_before.timestamp(), row.expires_at.timestamp())
