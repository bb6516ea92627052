"""Every query of browsers."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update

from stoa_auth.people.service import Person
from stoa_auth.sessions.models import BrowserCookie, LoginSession, RefreshToken
from stoa_common.database import Session, rows_affected


class BrowserRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, cookie: BrowserCookie) -> None:
        self._session.add(cookie)

    async def find(self, token_hash: bytes) -> tuple[BrowserCookie, LoginSession, Person] | None:
        """A cookie, what it opens, and whose it is."""
        query = (
            select(BrowserCookie, LoginSession, Person)
            .join(LoginSession, LoginSession.id == BrowserCookie.session_id)
            .join(Person, Person.id == LoginSession.person_id)
            .where(BrowserCookie.token_hash == token_hash)
        )
        row = (await self._session.execute(query)).first()
        return (row[0], row[1], row[2]) if row else None

    async def find_owner(self, token_hash: bytes) -> UUID | None:
        """Whose cookie it is."""
        query = select(LoginSession.person_id).join(BrowserCookie, BrowserCookie.session_id == LoginSession.id)
        return await self._session.scalar(query.where(BrowserCookie.token_hash == token_hash))

    async def hold(self, token_hash: bytes) -> tuple[BrowserCookie, LoginSession] | None:
        """A cookie and its session, which nobody ends before this transaction does; many may hold it at once."""
        query = (
            select(BrowserCookie, LoginSession)
            .join(LoginSession, LoginSession.id == BrowserCookie.session_id)
            .where(BrowserCookie.token_hash == token_hash)
            .with_for_update(read=True, of=LoginSession)
        )
        row = (await self._session.execute(query)).first()
        return (row[0], row[1]) if row else None

    async def replace(self, token_hash: bytes, newer: bytes) -> datetime | None:
        """Let another cookie stand for the same session, until the same time; None where there is no such cookie."""
        statement = update(BrowserCookie).where(BrowserCookie.token_hash == token_hash).values(token_hash=newer)
        return await self._session.scalar(statement.returning(BrowserCookie.expires_at))

    async def find_session_of(self, refresh_hash: bytes) -> UUID | None:
        """The session that a refresh token belongs to."""
        return await self._session.scalar(
            select(RefreshToken.session_id).where(RefreshToken.token_hash == refresh_hash)
        )

    async def limit(self, session_id: UUID, refresh_hash: bytes, *, until: datetime) -> None:
        """Let the session end with its cookie, whatever is refreshed; and the refresh token, by which it is listed."""
        ends = func.least(func.coalesce(LoginSession.ends_at, until), until)
        await self._session.execute(update(LoginSession).where(LoginSession.id == session_id).values(ends_at=ends))
        sooner = func.least(RefreshToken.expires_at, until)
        token = RefreshToken.token_hash == refresh_hash
        await self._session.execute(update(RefreshToken).where(token).values(expires_at=sooner))

    async def note_use(self, session_id: UUID, *, at: datetime) -> None:
        await self._session.execute(update(LoginSession).where(LoginSession.id == session_id).values(last_used_at=at))

    async def end(self, session_id: UUID, *, at: datetime) -> bool:
        """Whether the session was not over yet."""
        mine = (LoginSession.id == session_id, LoginSession.revoked_at.is_(None))
        return rows_affected(await self._session.execute(update(LoginSession).where(*mine).values(revoked_at=at))) == 1
