"""Every query of erasures."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from stoa_auth.erasures.models import Erasure, ErasureCompletion
from stoa_common.database import Session
from stoa_common.pages import PageQuery, page


class ErasureRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def lock(self, person_digest: str, *, requested_at: datetime) -> Erasure:
        """The erasure, made if it is new: answers and the request come on topics of their own, in any order."""
        new = upsert(Erasure).values(person_digest=person_digest, requested_at=requested_at)
        await self._session.execute(new.on_conflict_do_nothing())
        query = select(Erasure).where(Erasure.person_digest == person_digest).with_for_update()
        return (await self._session.scalars(query)).one()

    async def add_completion(self, person_digest: str, service: str, *, at: datetime) -> None:
        """The first answer counts; a service that is asked twice says so twice."""
        values = {"person_digest": person_digest, "service": service, "completed_at": at}
        await self._session.execute(upsert(ErasureCompletion).values(**values).on_conflict_do_nothing())

    async def completions(self, digests: Iterable[str]) -> dict[str, dict[str, datetime]]:
        """By person, which service had forgotten them when."""
        found: dict[str, dict[str, datetime]] = defaultdict(dict)
        query = select(ErasureCompletion).where(ErasureCompletion.person_digest.in_(list(digests)))
        for each in await self._session.scalars(query.order_by(ErasureCompletion.service)):
            found[each.person_digest][each.service] = each.completed_at
        return found

    async def page(
        self, window: PageQuery, *, is_open: bool | None, person_digest: str | None
    ) -> tuple[Sequence[Erasure], str | None]:
        """The oldest first."""
        query = select(Erasure)
        if is_open is not None:
            query = query.where(Erasure.completed_at.is_(None) if is_open else Erasure.completed_at.is_not(None))
        if person_digest is not None:
            query = query.where(Erasure.person_digest == person_digest)
        return await page(self._session, query, by=(Erasure.requested_at, Erasure.person_digest), window=window)

    async def list_open(self, *, before: datetime, limit: int) -> Sequence[Erasure]:
        """Those requested before this time that are not complete, the oldest first."""
        query = select(Erasure).where(Erasure.completed_at.is_(None), Erasure.requested_at < before)
        return (await self._session.scalars(query.order_by(Erasure.requested_at).limit(limit))).all()

    async def count_open(self, *, before: datetime) -> int:
        late = (Erasure.completed_at.is_(None), Erasure.requested_at < before)
        return await self._session.scalar(select(func.count()).select_from(Erasure).where(*late)) or 0
