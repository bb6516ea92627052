"""Every query of sessions."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, select, update

from stoa_auth.sessions.models import LoginSession, RefreshToken
from stoa_common.database import Session, rows_affected
from stoa_common.pages import PageQuery, page


def _open(at: datetime) -> tuple[ColumnElement[bool], ...]:
    """The sessions that were neither ended nor left to expire."""
    token = (RefreshToken.session_id == LoginSession.id) & (RefreshToken.expires_at > at)
    return LoginSession.revoked_at.is_(None), exists().where(token)


class SessionRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def find_person_of(self, token_hash: bytes) -> UUID | None:
        """Whose token it is."""
        owner = select(RefreshToken.session_id).where(RefreshToken.token_hash == token_hash)
        return await self._session.scalar(
            select(LoginSession.person_id).where(LoginSession.id == owner.scalar_subquery())
        )

    async def lock_family(self, token_hash: bytes) -> LoginSession | None:
        """The token's family, held until this transaction ends: of parallel refreshes one goes first, others wait."""
        owner = select(RefreshToken.session_id).where(RefreshToken.token_hash == token_hash)
        query = select(LoginSession).where(LoginSession.id == owner.scalar_subquery())
        return await self._session.scalar(query.with_for_update())

    async def get_token(self, token_hash: bytes) -> RefreshToken:
        """Read after the family was locked, so what a rival wrote is seen."""
        return await self._session.get_one(RefreshToken, token_hash)

    async def revoke(self, session_id: UUID, person_id: UUID, *, at: datetime) -> bool:
        """Whether the person had such a session, which is over now."""
        mine = (LoginSession.id == session_id, LoginSession.person_id == person_id, *_open(at))
        return rows_affected(await self._session.execute(update(LoginSession).where(*mine).values(revoked_at=at))) == 1

    async def page_open(
        self, person_id: UUID, window: PageQuery, *, at: datetime
    ) -> tuple[Sequence[LoginSession], str | None]:
        """The person's sessions that can still be used, the oldest first."""
        query = select(LoginSession).where(LoginSession.person_id == person_id, *_open(at))
        return await page(self._session, query, by=[LoginSession.id], window=window)

    async def revoke_all(self, person_id: UUID, *, besides: UUID | None, at: datetime) -> None:
        """End all sessions of the person but that one."""
        theirs = (LoginSession.person_id == person_id, LoginSession.revoked_at.is_(None))
        others = LoginSession.id.is_distinct_from(besides)
        await self._session.execute(update(LoginSession).where(*theirs, others).values(revoked_at=at))

    async def forget_expired(self, person_id: UUID, *, at: datetime) -> None:
        """Delete the person's refresh tokens that expired, and the sessions that have none left."""
        families = select(LoginSession.id).where(LoginSession.person_id == person_id)
        old = (RefreshToken.session_id.in_(families), RefreshToken.expires_at <= at)
        await self._session.execute(delete(RefreshToken).where(*old))
        empty = ~exists().where(RefreshToken.session_id == LoginSession.id)
        await self._session.execute(delete(LoginSession).where(LoginSession.person_id == person_id, empty))
