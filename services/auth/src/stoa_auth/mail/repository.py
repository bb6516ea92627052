"""Every query of mail."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update

from stoa_auth.mail.domain import WAITING, Kind, Purpose, State
from stoa_auth.mail.models import Mail, MailToken
from stoa_common.database import Session, rows_affected


class MailRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, mail: Mail) -> None:
        self._session.add(mail)

    async def list_asked(self, *, limit: int) -> Sequence[Mail]:
        """Mails to be written, in the order in which they were asked for."""
        query = select(Mail).where(Mail.state == State.ASKED).order_by(Mail.due_at).limit(limit)
        return (await self._session.scalars(query)).all()

    async def lock_asked(self, mail_id: UUID) -> Mail | None:
        """The mail, unless somebody else has it in hand, or it is written or gone."""
        query = select(Mail).where(Mail.id == mail_id, Mail.state == State.ASKED)
        return await self._session.scalar(query.with_for_update(skip_locked=True))

    async def take_ready(self, *, at: datetime, until: datetime, limit: int) -> Sequence[Mail]:
        """Mails that are due, nobody else's until then; each such taking is an attempt."""
        due = select(Mail.id).where(Mail.state == State.READY, Mail.due_at <= at).order_by(Mail.due_at).limit(limit)
        taken = update(Mail).where(Mail.id.in_(due.with_for_update(skip_locked=True)))
        return (
            await self._session.scalars(taken.values(due_at=until, attempts=Mail.attempts + 1).returning(Mail))
        ).all()

    async def lock_taken(self, mail_id: UUID, *, attempts: int) -> Mail | None:
        """The mail, unless it was erased, or another sender has it since."""
        mine = (Mail.id == mail_id, Mail.state == State.READY, Mail.attempts == attempts)
        return await self._session.scalar(select(Mail).where(*mine).with_for_update())

    async def count_written(self, person_id: UUID, kind: Kind, *, since: datetime) -> int:
        recent = (Mail.person_id == person_id, Mail.kind == kind, Mail.created_at > since)
        return await self._session.scalar(select(func.count()).where(*recent, Mail.state != State.ASKED)) or 0

    async def list_nobodys(self) -> Sequence[Mail]:
        """Mails with content to an address that had no account when they were asked for."""
        query = select(Mail).where(Mail.person_id.is_(None), Mail.sealed.is_not(None))
        return (await self._session.scalars(query.order_by(Mail.id).with_for_update())).all()

    async def drop(self, mail: Mail) -> None:
        await self._session.delete(mail)

    async def list_newest(self, *, limit: int) -> Sequence[Mail]:
        return (await self._session.scalars(select(Mail).order_by(Mail.id.desc()).limit(limit))).all()

    async def count_waiting(self) -> int:
        return await self._session.scalar(select(func.count()).where(Mail.state.in_(WAITING))) or 0

    async def forget_old(self, *, before: datetime) -> None:
        await self._session.execute(delete(Mail).where(Mail.created_at < before))


class TokenRepository:
    def __init__(self, session: Session) -> None:
        self._session = session

    async def replace(self, token: MailToken) -> None:
        """Keep this token of its purpose, and no older one of the person."""
        await self.drop(token.person_id, token.purpose)
        self._session.add(token)

    async def find(self, token_hash: bytes, purpose: Purpose) -> MailToken | None:
        mine = (MailToken.token_hash == token_hash, MailToken.purpose == purpose)
        return await self._session.scalar(select(MailToken).where(*mine))

    async def use_up(self, token_hash: bytes) -> bool:
        """Whether the token was there, which is gone now: of parallel uses one finds it."""
        used = delete(MailToken).where(MailToken.token_hash == token_hash)
        return rows_affected(await self._session.execute(used)) == 1

    async def drop(self, person_id: UUID, purpose: str) -> None:
        theirs = (MailToken.person_id == person_id, MailToken.purpose == purpose)
        await self._session.execute(delete(MailToken).where(*theirs))

    async def forget_expired(self, *, at: datetime) -> None:
        await self._session.execute(delete(MailToken).where(MailToken.expires_at <= at))
