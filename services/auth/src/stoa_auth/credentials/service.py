"""Use cases of credentials. Argon2 takes its time between transactions, when no connection is held."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from stoa_auth.accounts import service as accounts
from stoa_auth.accounts.domain import CredentialsAreWrong, Proved
from stoa_auth.accounts.passwords import Passwords
from stoa_auth.attempts.service import Limits
from stoa_auth.credentials import domain
from stoa_auth.credentials.schemas import PasswordChangeIn, ResetIn
from stoa_auth.mail import service as mail
from stoa_auth.mail.service import Asked, MailSealer, Purpose
from stoa_auth.organizations import service as organizations
from stoa_auth.people import service as people
from stoa_auth.sessions import service as sessions
from stoa_common.database import Database, Session
from stoa_common.security import Principal


@dataclass(frozen=True, slots=True)
class Change:
    """With what a password is changed, and in which languages its owner wants to be told."""

    database: Database
    passwords: Passwords
    sealer: MailSealer
    accepted_languages: str | None


async def change_password(change: Change, wanted: PasswordChangeIn, *, caller: Principal, limits: Limits) -> None:
    """Raises CurrentPasswordIsWrong, TooManyFailures, PasswordIsGuessable, PersonIsUnknown."""
    async with change.database.transaction() as session:
        person = await people.get_person(session, caller.person_id)
        own_texts = await _own_texts(session, person.id)
    proved = await _check_current(change, person.email, wanted.current_password, limits=limits)
    password_hash = await accounts.hash_new_password(wanted.password, own_texts, passwords=change.passwords)
    async with change.database.transaction() as session:
        if proved.holds_for(await people.lock_person(session, caller.person_id)):
            await _set(session, change, caller.person_id, password_hash, besides=caller.session_id)
            return
    # It was changed, or hashed anew, while all this was computed.
    await change_password(change, wanted, caller=caller, limits=limits)


async def _check_current(change: Change, email: str, password: str, *, limits: Limits) -> Proved:
    try:
        return await accounts.check_credentials(
            change.database, email, password, passwords=change.passwords, limits=limits
        )
    except CredentialsAreWrong:
        # 401 would tell a client to log in again, and its token is fine.
        raise domain.CurrentPasswordIsWrong from None


async def ask_for_reset(session: Session, email: str, *, sealer: MailSealer, accepted_languages: str | None) -> None:
    """Whether the address has an account is looked up when the mail is written, never in this request."""
    mail.ask(session, Asked.RESET, to=email, sealer=sealer, accepted_languages=accepted_languages)


async def reset_password(change: Change, wanted: ResetIn) -> None:
    """The token is used up only with a password that holds. Raises TokenIsInvalid, PasswordIsGuessable."""
    async with change.database.transaction() as session:
        owner = await mail.find_person_of_token(session, wanted.token, Purpose.RESET)
        own_texts = await _own_texts(session, owner)
    password_hash = await accounts.hash_new_password(wanted.password, own_texts, passwords=change.passwords)
    async with change.database.transaction() as session:
        person_id = await mail.use_token(session, wanted.token, Purpose.RESET)
        # Who reads the account's mail has shown that the address is theirs.
        await people.verify_email(session, person_id)
        await _set(session, change, person_id, password_hash, besides=None)


async def _own_texts(session: Session, person_id: UUID) -> Sequence[str | None]:
    person = await people.get_person(session, person_id)
    return [person.name, person.email, *await organizations.list_own_names(session, person_id)]


async def _set(session: Session, change: Change, person_id: UUID, password_hash: str, *, besides: UUID | None) -> None:
    person = await people.change_password(session, person_id, password_hash)
    await sessions.revoke_all(session, person_id, besides=besides)
    mail.ask(
        session,
        Asked.PASSWORD_CHANGED,
        to=person.email,
        sealer=change.sealer,
        accepted_languages=change.accepted_languages,
        person_id=person_id,
    )
