"""Writing what was asked for: who it goes to, what it says, with which token; and how it looks on the wire."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from uuid import UUID

from stoa_auth.mail import domain, texts
from stoa_auth.mail.domain import Asked, Content, Kind, State
from stoa_auth.mail.models import Mail, MailToken
from stoa_auth.mail.provider import MailServer
from stoa_auth.mail.repository import MailRepository, TokenRepository
from stoa_auth.mail.sealing import MailIsSealed, MailSealer
from stoa_auth.people import service as people
from stoa_auth.people.service import Person
from stoa_common import clock, logs
from stoa_common.database import Session

log = logs.get_logger()


@dataclass(frozen=True, slots=True)
class Mailing:
    """How mail leaves: through which server (none: it is kept), in whose name, with links to where."""

    sealer: MailSealer
    server: MailServer | None
    sender: str
    link: str | None


async def write(session: Session, asked: Mail, mailing: Mailing) -> None:
    """Make an asked mail ready, or drop it where its address has no account or was written to enough.

    An invitation goes to an address without an account, too.
    """
    repository = MailRepository(session)
    # The person before the mail, as everybody does who locks both: erasing a person deletes their mail.
    person = await _person(session, asked, mailing)
    mail = await repository.lock_asked(asked.id)
    if mail is None:
        return
    written = await _written(session, mail, person, mailing)
    if written is None:
        await repository.drop(mail)
        return
    mail.kind, content = written
    mail.sealed = mailing.sealer.seal(content, mail_id=mail.id)
    mail.person_id = person.id if person else None
    mail.state = State.READY if mailing.server else State.KEPT
    mail.ended_at = None if mailing.server else clock.now()


async def _written(
    session: Session, mail: Mail, person: Person | None, mailing: Mailing
) -> tuple[Kind, Content] | None:
    """None where nothing is left to say, or nobody to say it to."""
    kind = _kind(mail, person)
    if kind is Kind.INVITATION:
        content = _opened(mail, mailing)
        return (kind, content) if content else None
    if person is None or kind is None or await _is_enough(MailRepository(session), person, kind):
        return None
    content = _opened(mail, mailing) if kind is Kind.WELCOME else None
    organization = content.organization if content else None
    return kind, Content(person.email, await _token(session, person, kind), organization)


async def _person(session: Session, mail: Mail, mailing: Mailing) -> Person | None:
    """Who it is for, and stays until this transaction ends; nobody where the secret that sealed the mail is lost."""
    person_id = mail.person_id or await _addressee(session, mail, mailing)
    return await people.find_and_hold_person(session, person_id) if person_id else None


async def _addressee(session: Session, mail: Mail, mailing: Mailing) -> UUID | None:
    content = _opened(mail, mailing)
    person = await people.find_person_by_email(session, content.to) if content else None
    return person.id if person else None


def _opened(mail: Mail, mailing: Mailing) -> Content | None:
    try:
        return mailing.sealer.open(mail.sealed or b"", mail_id=mail.id)
    except MailIsSealed:
        log.warning("mail_cannot_be_opened", mail_id=str(mail.id))
        return None


def _kind(mail: Mail, person: Person | None) -> Kind | None:
    is_verified = person is not None and person.email_verified_at is not None
    return domain.kind_of(Asked(mail.kind), is_new=mail.person_id is not None, is_verified=is_verified)


async def _is_enough(repository: MailRepository, person: Person, kind: Kind) -> bool:
    since = clock.now() - timedelta(hours=1)
    # What was done to an account is never left unsaid.
    return kind not in domain.NEWS.values() and (
        await repository.count_written(person.id, kind, since=since) >= domain.MOST_AN_HOUR
    )


async def _token(session: Session, person: Person, kind: Kind) -> str | None:
    purpose = domain.PURPOSES.get(kind)
    if purpose is None:
        return None
    token, at = secrets.token_urlsafe(32), clock.now()
    kept = MailToken(
        token_hash=domain.token_hash(token),
        person_id=person.id,
        purpose=purpose,
        made_at=at,
        expires_at=at + domain.lifetime(kind),
    )
    await TokenRepository(session).replace(kept)
    return token


def message(mail: Mail, content: Content, mailing: Mailing) -> EmailMessage:
    """The mail as it is sent: plain text, the same `Message-ID` at each attempt, so that readers see it once."""
    text = texts.write(Kind(mail.kind), mail.language, content, link=mailing.link)
    made = EmailMessage(policy=SMTP if content.to.isascii() else SMTPUTF8)
    made["From"] = mailing.sender
    made["To"] = content.to
    made["Subject"] = text.subject
    made["Date"] = format_datetime(mail.created_at)
    made["Message-ID"] = f"<{mail.id}@{parseaddr(mailing.sender)[1].rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    made["Content-Language"] = mail.language
    made.set_content(text.body)
    return made
