"""Tables of sessions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Text, delete, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from stoa_common.database import Base, Session
from stoa_common.privacy import personal_table


class LoginSession(Base):
    """One log-in of one person, and the family of all refresh tokens that came from it."""

    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organizations.id"))
    opened_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    #: As the client described itself at the log-in, shortened to what a person recognizes.
    device: Mapped[str | None] = mapped_column(Text)
    last_used_at: Mapped[datetime | None]
    #: How the person has proved who they are (RFC 8176), and when they last did; a step-up adds to both.
    methods: Mapped[list[str]] = mapped_column(ARRAY(Text))
    authenticated_at: Mapped[datetime]
    #: The OAuth client that the session was opened through; None: an app of the platform itself.
    client_id: Mapped[str | None] = mapped_column(Text)
    #: The most that its tokens allow; None: all that the person may.
    scopes: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    #: Who acts in the person's place by it.
    impersonator_id: Mapped[UUID | None]
    #: When it ends whatever is refreshed; None: by its refresh tokens alone.
    ends_at: Mapped[datetime | None]


class RefreshToken(Base):
    """A refresh token by its SHA-256; each is good for one use."""

    __tablename__ = "refresh_tokens"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class BrowserCookie(Base):
    """The cookie that a browser got when it logged in, by the SHA-256 of its text. It goes with its session.

    Its rules are in `browsers`; it stands here because a session that a browser keeps answers no token.
    """

    __tablename__ = "browser_cookies"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime]
    #: A browser that asks nothing for so long has to log in again; as it was set when it logged in.
    idle_seconds: Mapped[int]


class LogInChallenge(Base):
    """A log-in that waits for a second factor, by the SHA-256 of the token that goes on with it."""

    __tablename__ = "log_in_challenges"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    #: The organization that the session is wanted for.
    organization_id: Mapped[UUID | None]
    #: What was proved already (RFC 8176).
    methods: Mapped[list[str]] = mapped_column(ARRAY(Text))
    expires_at: Mapped[datetime] = mapped_column(index=True)


async def _export_challenges(session: Session, person_id: UUID) -> list[dict[str, Any]]:
    shown = (LogInChallenge.methods, LogInChallenge.expires_at)
    rows = await session.execute(select(*shown).where(LogInChallenge.person_id == person_id))
    return [dict(row) for row in rows.mappings()]


async def _erase_sessions(session: Session, person_id: UUID) -> None:
    """The person's own, and those in which they acted in others' places."""
    theirs = or_(LoginSession.person_id == person_id, LoginSession.impersonator_id == person_id)
    await session.execute(delete(LoginSession).where(theirs))


personal_table(LogInChallenge, export=_export_challenges)
personal_table(LoginSession, erase=_erase_sessions)
