"""Use cases of mail, for the features above: ask for one, and make good use of what came by one."""

from datetime import timedelta
from uuid import UUID

from stoa_auth.mail import domain, texts
from stoa_auth.mail.domain import Asked, Content, Kind, Purpose
from stoa_auth.mail.repository import MailRepository, TokenRepository
from stoa_auth.mail.sealing import MailSealer
from stoa_auth.people import service as people
from stoa_common import clock
from stoa_common.database import Session
from stoa_common.ids import new_id

__all__ = ["Asked", "MailSealer", "Purpose", "ask", "check_room", "find_person_of_token", "use_token"]


def ask(
    session: Session,
    asked: Asked,
    *,
    to: str,
    sealer: MailSealer,
    accepted_languages: str | None,
    person_id: UUID | None = None,
) -> None:
    """Let a mail be written after this transaction; one insert, whether or not the address has an account.

    `person_id` is for who is known for sure; else the address is looked up when the mail is written.
    """
    mail_id = new_id()
    sealed = sealer.seal(Content(to=to), mail_id=mail_id)
    language = texts.language(accepted_languages)
    mail = domain.ask(asked, mail_id=mail_id, person_id=person_id, language=language, sealed=sealed, at=clock.now())
    MailRepository(session).add(mail)


async def check_room(session: Session, person_id: UUID) -> None:
    """Refuse where the person asked for this mail often enough. Raises TooManyMails."""
    since = clock.now() - timedelta(hours=1)
    if await MailRepository(session).count_written(person_id, Kind.VERIFY, since=since) >= domain.MOST_AN_HOUR:
        raise domain.TooManyMails


async def find_person_of_token(session: Session, token: str, purpose: Purpose) -> UUID:
    """Whose mail it came by; the token stays good. Raises TokenIsInvalid."""
    found = await TokenRepository(session).find(domain.token_hash(token), purpose)
    return domain.owner(found, at=clock.now())


async def use_token(session: Session, token: str, purpose: Purpose) -> UUID:
    """Whose mail it came by; it is used up with this transaction. Raises TokenIsInvalid, PersonIsUnknown."""
    owner = await find_person_of_token(session, token, purpose)
    # The person before the token, as everybody does who locks both: erasing a person deletes their tokens.
    await people.lock_person(session, owner)
    if not await TokenRepository(session).use_up(domain.token_hash(token)):
        raise domain.TokenIsInvalid
    return owner
