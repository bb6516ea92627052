"""Every query of second factors. Whose they are is part of the query."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, exists, func, select, update

from stoa_auth.factors.domain import FactorKind
from stoa_auth.factors.models import Authenticator, Factor, RecoveryCode
from stoa_common import pages
from stoa_common.database import Session, rows_affected
from stoa_common.pages import PageQuery


class FactorRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, factor: Factor) -> None:
        self._session.add(factor)

    async def add_authenticator(self, factor: Factor, sealed: bytes) -> None:
        self._session.add(factor)
        await self._session.flush()
        self._session.add(Authenticator(factor_id=factor.id, sealed=sealed, last_step=None))

    async def find(self, factor_id: UUID, person_id: UUID) -> Factor | None:
        """The person's factor, also one that is being set up."""
        mine = (Factor.id == factor_id, Factor.person_id == person_id)
        return await self._session.scalar(select(Factor).where(*mine))

    async def get_authenticator(self, factor_id: UUID) -> Authenticator:
        return await self._session.get_one(Authenticator, factor_id)

    async def has_confirmed(self, person_id: UUID) -> bool:
        theirs = (Factor.person_id == person_id, Factor.confirmed_at.is_not(None))
        return bool(await self._session.scalar(select(exists().where(*theirs))))

    async def list_confirmed(self, person_id: UUID) -> Sequence[Factor]:
        query = select(Factor).where(Factor.person_id == person_id, Factor.confirmed_at.is_not(None))
        return (await self._session.scalars(query.order_by(Factor.id))).all()

    async def list_authenticators(self, person_id: UUID) -> Sequence[tuple[Factor, Authenticator]]:
        """The person's apps whose codes count."""
        counting = (Factor.person_id == person_id, Factor.confirmed_at.is_not(None))
        query = select(Factor, Authenticator).join(Authenticator, Authenticator.factor_id == Factor.id)
        return [(row[0], row[1]) for row in await self._session.execute(query.where(*counting).order_by(Factor.id))]

    async def page_confirmed(self, person_id: UUID, window: PageQuery) -> tuple[list[Factor], str | None]:
        query = select(Factor).where(Factor.person_id == person_id, Factor.confirmed_at.is_not(None))
        return await pages.page(self._session, query, by=[Factor.id], window=window)

    async def drop_pending(self, person_id: UUID) -> None:
        """What the person began to set up and did not confirm."""
        theirs = (Factor.person_id == person_id, Factor.kind == FactorKind.AUTHENTICATOR)
        await self._session.execute(delete(Factor).where(*theirs, Factor.confirmed_at.is_(None)))

    async def drop(self, factor: Factor) -> None:
        await self._session.delete(factor)
        await self._session.flush()

    async def note_use(self, factor_id: UUID, *, at: datetime) -> None:
        await self._session.execute(update(Factor).where(Factor.id == factor_id).values(last_used_at=at))


class RecoveryCodeRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, hashes: Iterable[bytes], person_id: UUID, *, at: datetime) -> None:
        self._session.add_all(
            RecoveryCode(code_hash=each, person_id=person_id, made_at=at, used_at=None) for each in hashes
        )

    async def list_made(self, person_id: UUID) -> Sequence[RecoveryCode]:
        return (await self._session.scalars(select(RecoveryCode).where(RecoveryCode.person_id == person_id))).all()

    async def count_left(self, person_id: UUID) -> int:
        left = (RecoveryCode.person_id == person_id, RecoveryCode.used_at.is_(None))
        return await self._session.scalar(select(func.count()).select_from(RecoveryCode).where(*left)) or 0

    async def use(self, code_hash: bytes, person_id: UUID, *, at: datetime) -> bool:
        """Whether the person had this code, which is used now: of parallel uses one finds it."""
        unused = (
            RecoveryCode.code_hash == code_hash,
            RecoveryCode.person_id == person_id,
            RecoveryCode.used_at.is_(None),
        )
        return rows_affected(await self._session.execute(update(RecoveryCode).where(*unused).values(used_at=at))) == 1

    async def drop(self, person_id: UUID) -> None:
        await self._session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
