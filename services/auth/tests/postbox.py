"""Mail as its readers get it: what auth was asked for is written, and opened."""

from dataclasses import dataclass
from email.message import EmailMessage
from uuid import UUID

from sqlalchemy import select

from stoa_auth.database import Mail
from stoa_auth.mail import writing
from stoa_auth.mail.domain import Content, State
from stoa_auth.mail.writing import Mailing
from stoa_common.database import Database

#: Whom each sealed content is for: there are thousands at the end of a run, and each is opened once only.
_ADDRESSES: dict[bytes, str] = {}


@dataclass(frozen=True)
class Letter:
    """One mail, opened."""

    kind: str
    language: str
    subject: str
    text: str
    token: str | None


class Postbox:
    """Everybody's mail, where there is no mail server."""

    def __init__(self, database: Database, mailing: Mailing) -> None:
        self._database = database
        self._mailing = mailing

    async def letters(self, email: str) -> list[Letter]:
        """What has come to the address, the oldest first. What was asked for others, in other tests, may wait."""
        for mail in await self._mails_to(email):
            if mail.state == State.ASKED:
                async with self._database.transaction() as session:
                    await writing.write(session, mail, self._mailing)
        return [letter for mail in await self._mails_to(email) if (letter := self._open(mail))]

    async def _mails_to(self, email: str) -> list[Mail]:
        async with self._database.transaction() as session:
            kept = await session.execute(select(Mail.id, Mail.sealed))
            theirs = [mail_id for mail_id, sealed in kept if sealed and self._address(mail_id, sealed) == email]
            return list(await session.scalars(select(Mail).where(Mail.id.in_(theirs)).order_by(Mail.id)))

    def _address(self, mail_id: UUID, sealed: bytes) -> str:
        if sealed not in _ADDRESSES:
            _ADDRESSES[sealed] = self._mailing.sealer.open(sealed, mail_id=mail_id).to
        return _ADDRESSES[sealed]

    def _content(self, mail: Mail) -> Content:
        return self._mailing.sealer.open(mail.sealed or b"", mail_id=mail.id)

    async def code(self, email: str, kind: str) -> str:
        """The code in the newest mail of this kind."""
        [*_, newest] = [letter for letter in await self.letters(email) if letter.kind == kind]
        assert newest.token is not None
        return newest.token

    def _open(self, mail: Mail) -> Letter | None:
        if mail.state != State.KEPT:
            return None
        content = self._content(mail)
        message: EmailMessage = writing.message(mail, content, self._mailing)
        return Letter(mail.kind, mail.language, message["Subject"], message.get_content(), content.token)
