"""Use cases of mail, for the features above: ask for one, and make good use of what came by one."""

from datetime import timedelta
from uuid import UUID

from stoa_auth.mail import domain, texts
from stoa_auth.mail.domain import Asked, Content, Kind, Purpose
from stoa_auth.mail.models import Mail
from stoa_auth.mail.repository import MailRepository, TokenRepository
from stoa_auth.mail.sealing import MailIsSealed, MailSealer
from stoa_auth.people import service as people
from stoa_common import clock
from stoa_common.database import Session
from stoa_common.ids import new_id

__all__ = [
    "Asked",
    "MailSealer",
    "Purpose",
    "ask",
    "check_room",
    "find_person_of_token",
    "forget_address",
    "language_of",
    "use_token",
]


def language_of(accepted: str | None) -> str:
    """The language of ours that an Accept-Language header likes best; English for none."""
    return texts.language(accepted)


def ask(
    session: Session,
    asked: Asked,
    *,
    to: str,
    sealer: MailSealer,
    accepted_languages: str | None,
    person_id: UUID | None = None,
    token: str | None = None,
    organization: str | None = None,
) -> None:
    """Let a mail be written after this transaction; one insert, whether or not the address has an account.

    `person_id` is for who is known for sure; else the address is looked up when the mail is written. An invitation
    brings its own `token` and names its `organization`, and goes out to strangers, too.
    """
    mail_id = new_id()
    sealed = sealer.seal(Content(to=to, token=token, organization=organization), mail_id=mail_id)
    language = texts.language(accepted_languages)
    mail = domain.ask(asked, mail_id=mail_id, person_id=person_id, language=language, sealed=sealed, at=clock.now())
    MailRepository(session).add(mail)


async def forget_address(session: Session, address: str, *, sealer: MailSealer) -> None:
    """Delete what was written to the address before it had an account, such as an invitation that is kept here.

    What is sent keeps no content, so few are opened; mails of the person themselves go with their row.
    """
    repository = MailRepository(session)
    for mail in await repository.list_nobodys():
        if _is_to(mail, address, sealer):
            await repository.drop(mail)


def _is_to(mail: Mail, address: str, sealer: MailSealer) -> bool:
    try:
        return sealer.open(mail.sealed or b"", mail_id=mail.id).to.lower() == address.lower()
    except MailIsSealed:
        return False


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
