"""Every query of attempts."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import DateTime, Float, cast, delete, extract, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from stoa_auth.attempts.domain import LEAK, Count
from stoa_auth.attempts.models import LogInAttempts
from stoa_common.database import Session


class AttemptRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def read(self, keys: Iterable[bytes]) -> dict[bytes, Count]:
        rows = await self._session.execute(
            select(
                LogInAttempts.key,
                LogInAttempts.failures,
                LogInAttempts.counted_at,
                LogInAttempts.free_at,
                LogInAttempts.succeeded_at,
            ).where(LogInAttempts.key.in_(list(keys)))
        )
        return {row.key: Count(row.failures, row.counted_at, row.free_at, row.succeeded_at) for row in rows}

    async def count(
        self, key: bytes, *, at: datetime, per_hour: float, by: int = 1, even_if_waiting: bool = True
    ) -> float | None:
        """Count failures, and answer how many there are now; None, and nothing done, where it must wait.

        The row stays locked to the end of the transaction, so that parallel guesses are counted one after another.
        """
        since = literal(at, DateTime(timezone=True)) - LogInAttempts.counted_at
        hours = cast(extract("epoch", since), Float) / LEAK.total_seconds()
        leaked = func.greatest(literal(0.0), LogInAttempts.failures - hours * per_hour)
        statement = insert(LogInAttempts).values(key=key, failures=float(by), counted_at=at, free_at=at)
        statement = statement.on_conflict_do_update(
            index_elements=[LogInAttempts.key],
            set_={"failures": leaked + float(by), "counted_at": at},
            # One statement for both, so that the time taken tells nobody which it was.
            where=or_(literal(even_if_waiting), LogInAttempts.free_at <= at),
        )
        return await self._session.scalar(statement.returning(LogInAttempts.failures))

    async def wait(self, key: bytes, *, until: datetime) -> None:
        await self._session.execute(
            update(LogInAttempts).where(LogInAttempts.key == key).values(free_at=until),
            execution_options={"synchronize_session": False},
        )

    async def forgive(self, key: bytes, *, at: datetime) -> None:
        """The right password was given: nothing has failed."""
        # Well before now: a twin of this request that took its time a moment earlier has nothing to wait for.
        values = {"failures": 0.0, "free_at": at - LEAK, "succeeded_at": at}
        await self._session.execute(
            update(LogInAttempts).where(LogInAttempts.key == key).values(values),
            execution_options={"synchronize_session": False},
        )

    async def forget_old(self, *, before: datetime) -> None:
        await self._session.execute(delete(LogInAttempts).where(LogInAttempts.counted_at < before))
