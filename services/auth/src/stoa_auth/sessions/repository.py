"""Every query of sessions."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, or_, select, update

from stoa_auth.sessions.models import BrowserCookie, LogInChallenge, LoginSession, RefreshToken
from stoa_common.database import Session, rows_affected
from stoa_common.pages import PageQuery, page


def _open(at: datetime) -> tuple[ColumnElement[bool], ...]:
    """The sessions that were neither ended nor left to expire."""
    token = (RefreshToken.session_id == LoginSession.id) & (RefreshToken.expires_at > at)
    lasts = LoginSession.ends_at.is_(None) | (LoginSession.ends_at > at)
    return LoginSession.revoked_at.is_(None), lasts, exists().where(token)


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

    async def find_family(self, token_hash: bytes, *, at: datetime) -> tuple[LoginSession, RefreshToken] | None:
        """A refresh token that could be used now, and its family."""
        query = select(LoginSession, RefreshToken).join(RefreshToken, RefreshToken.session_id == LoginSession.id)
        unused = (RefreshToken.token_hash == token_hash, RefreshToken.used_at.is_(None), RefreshToken.expires_at > at)
        ends = func.coalesce(LoginSession.ends_at, RefreshToken.expires_at)
        row = (await self._session.execute(query.where(*unused, LoginSession.revoked_at.is_(None), ends > at))).first()
        return (row[0], row[1]) if row else None

    async def is_open(self, session_id: UUID, *, at: datetime) -> bool:
        query = select(LoginSession.id).where(LoginSession.id == session_id, *_open(at))
        return await self._session.scalar(query) is not None

    async def is_kept_by_browser(self, session_id: UUID) -> bool:
        """Whether a browser has the session by its cookie."""
        return await self._session.scalar(select(exists().where(BrowserCookie.session_id == session_id))) or False

    async def revoke_of_client(
        self, client_id: str, *, person_id: UUID | None, session_id: UUID | None, at: datetime
    ) -> Sequence[UUID]:
        """End what was opened through an OAuth client, all or one person's or one session; these are over now."""
        theirs = [LoginSession.client_id == client_id, LoginSession.revoked_at.is_(None)]
        if person_id is not None:
            theirs.append(LoginSession.person_id == person_id)
        if session_id is not None:
            theirs.append(LoginSession.id == session_id)
        ended = update(LoginSession).where(*theirs).values(revoked_at=at).returning(LoginSession.id)
        return (await self._session.scalars(ended)).all()

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

    async def lock_open(self, session_id: UUID, person_id: UUID, *, at: datetime) -> LoginSession | None:
        """The person's session, if it can still be used; nobody else changes it before this transaction ends."""
        mine = (LoginSession.id == session_id, LoginSession.person_id == person_id, *_open(at))
        lasting = or_(LoginSession.ends_at.is_(None), LoginSession.ends_at > at)
        return await self._session.scalar(select(LoginSession).where(*mine, lasting).with_for_update())

    async def use_up(self, session_id: UUID, *, at: datetime) -> None:
        """Let none of the session's refresh tokens be good for another use."""
        unused = (RefreshToken.session_id == session_id, RefreshToken.used_at.is_(None))
        await self._session.execute(update(RefreshToken).where(*unused).values(used_at=at))

    async def revoke_federated(self, organization_id: UUID, method: str, *, at: datetime) -> Sequence[UUID]:
        """End what people opened in the organization by this method; these are over now."""
        theirs = (LoginSession.organization_id == organization_id, LoginSession.revoked_at.is_(None))
        by_method = LoginSession.methods.contains([method])
        ended = update(LoginSession).where(*theirs, by_method).values(revoked_at=at).returning(LoginSession.id)
        return (await self._session.scalars(ended)).all()

    async def forget_expired(self, person_id: UUID, *, at: datetime) -> None:
        """Delete the person's refresh tokens that expired, and the sessions that have none left."""
        families = select(LoginSession.id).where(LoginSession.person_id == person_id)
        old = (RefreshToken.session_id.in_(families), RefreshToken.expires_at <= at)
        await self._session.execute(delete(RefreshToken).where(*old))
        empty = ~exists().where(RefreshToken.session_id == LoginSession.id)
        await self._session.execute(delete(LoginSession).where(LoginSession.person_id == person_id, empty))


class LogInChallengeRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, challenge: LogInChallenge, *, at: datetime) -> None:
        """Keep a challenge, and forget those of the person that are over."""
        over = (LogInChallenge.person_id == challenge.person_id, LogInChallenge.expires_at <= at)
        await self._session.execute(delete(LogInChallenge).where(*over))
        self._session.add(challenge)

    async def find_person_of(self, token_hash: bytes, *, at: datetime) -> UUID | None:
        """Who it waits for."""
        waiting = (LogInChallenge.token_hash == token_hash, LogInChallenge.expires_at > at)
        return await self._session.scalar(select(LogInChallenge.person_id).where(*waiting))

    async def find(self, token_hash: bytes, *, at: datetime) -> LogInChallenge | None:
        """Read after the person was locked, so that a rival's use of it is seen."""
        waiting = (LogInChallenge.token_hash == token_hash, LogInChallenge.expires_at > at)
        return await self._session.scalar(select(LogInChallenge).where(*waiting))

    async def drop(self, challenge: LogInChallenge) -> None:
        await self._session.delete(challenge)

    async def drop_all(self, person_id: UUID) -> None:
        await self._session.execute(delete(LogInChallenge).where(LogInChallenge.person_id == person_id))
