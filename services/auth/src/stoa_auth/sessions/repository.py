"""Every query of sessions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, exists, select, update

from stoa_auth.sessions.models import LoginSession, RefreshToken
from stoa_common.database import Session


class SessionRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def lock_family(self, token_hash: bytes) -> LoginSession | None:
        """The token's family, held until this transaction ends: of parallel refreshes one goes first, others wait."""
        owner = select(RefreshToken.session_id).where(RefreshToken.token_hash == token_hash)
        query = select(LoginSession).where(LoginSession.id == owner.scalar_subquery())
        return await self._session.scalar(query.with_for_update())

    async def get_token(self, token_hash: bytes) -> RefreshToken:
        """Read after the family was locked, so what a rival wrote is seen."""
        return await self._session.get_one(RefreshToken, token_hash)

    async def revoke(self, session_id: UUID, person_id: UUID, *, at: datetime) -> None:
        mine = (LoginSession.id == session_id, LoginSession.person_id == person_id, LoginSession.revoked_at.is_(None))
        await self._session.execute(update(LoginSession).where(*mine).values(revoked_at=at))

    async def forget_expired(self, person_id: UUID, *, at: datetime) -> None:
        """Delete the person's refresh tokens that expired, and the sessions that have none left."""
        families = select(LoginSession.id).where(LoginSession.person_id == person_id)
        old = (RefreshToken.session_id.in_(families), RefreshToken.expires_at <= at)
        await self._session.execute(delete(RefreshToken).where(*old))
        empty = ~exists().where(RefreshToken.session_id == LoginSession.id)
        await self._session.execute(delete(LoginSession).where(LoginSession.person_id == person_id, empty))
