"""Use cases of accounts: register, show that an address is one's own, prove who one is, be forgotten."""

from collections.abc import Iterable
from uuid import UUID

from stoa_auth.accounts import domain, provider
from stoa_auth.accounts.domain import Proved
from stoa_auth.accounts.passwords import Passwords
from stoa_auth.accounts.schemas import RegistrationIn
from stoa_auth.attempts import service as attempts
from stoa_auth.attempts.service import Limits
from stoa_auth.audit import service as audit
from stoa_auth.mail import service as mail
from stoa_auth.mail.service import Asked, MailSealer, Purpose
from stoa_auth.organizations import service as organizations
from stoa_auth.organizations.service import Invitation
from stoa_auth.people import service as people
from stoa_auth.people.service import Person
from stoa_auth.revocations import service as revocations
from stoa_common import clock, database, logs, outbox, privacy
from stoa_common.database import Database, Session
from stoa_common.ids import new_id
from stoa_events.contracts.auth import UserErased

log = logs.get_logger()


async def register(
    session: Session,
    wanted: RegistrationIn,
    *,
    passwords: Passwords,
    sealer: MailSealer,
    accepted_languages: str | None,
) -> None:
    """Make an account, with an organization of its own or by invitation in another's, and ask for a mail.

    Where the address has an account already nothing is made and its owner gets a mail that says so; and nobody can
    tell, because the same is done for an address that nobody has, and undone. An existing account neither uses an
    invitation up here nor joins by it: its owner does so when logged in.
    Raises InvitationIsInvalid, PasswordIsGuessable, PasswordQueueIsFull.
    """
    own_texts = (wanted.name, wanted.email, wanted.organization_name)
    password_hash = await hash_new_password(wanted.password, own_texts, passwords=passwords)
    invitation = await _open_invitation(session, wanted)
    is_known = await people.find_person_by_email(session, wanted.email) is not None
    person_id = None
    async with database.trial(session) as trial:
        address = f"{new_id()}@nobody.invalid" if is_known else wanted.email
        person = await people.add_person(session, address, name=wanted.name, password_hash=password_hash)
        # Nobody: a twin of this request was faster.
        if person is not None:
            await _settle_in(session, person.id, wanted, invitation=invitation)
            if not is_known:
                trial.keep()
                person_id = person.id
    mail.ask(
        session,
        Asked.REGISTRATION,
        to=wanted.email,
        sealer=sealer,
        accepted_languages=accepted_languages,
        person_id=person_id,
    )


async def _open_invitation(session: Session, wanted: RegistrationIn) -> Invitation | None:
    if wanted.invitation is None:
        return None
    return await organizations.open_invitation(session, wanted.invitation, email=wanted.email)


async def _settle_in(
    session: Session, person_id: UUID, wanted: RegistrationIn, *, invitation: Invitation | None
) -> None:
    if invitation is not None:
        await organizations.join_by_invitation(session, invitation, person_id=person_id)
    else:
        await organizations.found_organization(session, person_id, name=wanted.organization_name)


async def hash_new_password(password: str, own_texts: Iterable[str | None], *, passwords: Passwords) -> str:
    """The hash of a password that somebody chose. Raises PasswordIsGuessable, PasswordQueueIsFull."""
    words = domain.own_words(own_texts)
    judgment = await passwords.run(lambda: provider.judge(password, words))
    domain.refuse_guessable(judgment.score, judgment.advice, least=passwords.least_score)
    return await passwords.hash(password)


async def ask_for_verification(
    session: Session, person_id: UUID, *, sealer: MailSealer, accepted_languages: str | None
) -> None:
    """Send the person another mail with a code. Raises TooManyMails, PersonIsUnknown."""
    person = await people.get_person(session, person_id)
    await mail.check_room(session, person_id)
    mail.ask(
        session,
        Asked.VERIFICATION,
        to=person.email,
        sealer=sealer,
        accepted_languages=accepted_languages,
        person_id=person_id,
    )


async def verify_email(session: Session, token: str) -> None:
    """The token's owner has read the mail, so the address is theirs. Raises TokenIsInvalid."""
    await people.verify_email(session, await mail.use_token(session, token, Purpose.VERIFY))


async def check_credentials(
    database: Database, email: str, password: str, *, passwords: Passwords, limits: Limits
) -> Proved:
    """Whose password this is; a hash of older parameters is replaced on the way.

    It can be changed as soon as this answers: who locks the person afterwards asks `holds_for`. Raises
    CredentialsAreWrong, after the same work whoever exists; TooManyFailures.
    """
    async with passwords.turn():
        # An attempt that is not tried for want of room shall not count.
        passwords.check_room()
        return await _check_credentials(database, email, password, passwords=passwords, limits=limits)


async def _check_credentials(
    database: Database, email: str, password: str, *, passwords: Passwords, limits: Limits
) -> Proved:
    async with database.transaction() as session:
        attempt = await attempts.begin(session, email, limits=limits)
        person = await people.find_person_by_email(session, email)
    # No connection is held while Argon2 takes its time, or a few log-ins would take the whole pool.
    fits = await passwords.verify(password, person.password_hash if person else None)
    if person is None or not fits or not attempt.is_admitted:
        async with database.transaction() as session:
            await attempts.fail(session, attempt, limits=limits)
            audit.note(session, "session.refuse", actor=None, subject=person.id if person else None)
        raise attempts.refusal(attempt, otherwise=domain.CredentialsAreWrong())
    old = person.password_hash or ""
    newer = await passwords.hash(password) if passwords.is_outdated(old) else None
    async with database.transaction() as session:
        await attempts.succeed(session, attempt)
        if newer is not None:
            await people.replace_hash(session, person.id, old=old, new=newer)
    return Proved(person.id, newer or old)


async def get_account(session: Session, person_id: UUID) -> Person:
    """Raises PersonIsUnknown."""
    return await people.get_person(session, person_id)


async def erase_account(session: Session, person_id: UUID, *, sealer: MailSealer) -> None:
    """Forget the person; whoever else holds rows about them learns it by UserErased.

    Organizations where they were alone stay behind, without a name or a member. Raises PersonIsUnknown,
    LastOwnerMustStay, LastOperatorMustStay.
    """
    person = await people.lock_person(session, person_id)
    if person.operator:
        domain.erase_operator(operators=await people.count_operators(session))
    await organizations.leave_everywhere(session, person_id)
    at = clock.now()
    await mail.forget_address(session, person.email, sealer=sealer)
    await privacy.erase(session, person_id, at=at)
    await revocations.revoke_person(session, person_id)
    outbox.add(session, UserErased(person_id=person_id, erased_at=at))
    audit.note(session, "person.erase", actor=person_id, target=person_id)


async def make_operator(database: Database, email: str, password: str, *, passwords: Passwords) -> None:
    """Make the platform's first operator; nothing happens where there is one, so every start and replica may ask."""
    password_hash = await passwords.hash(password)
    async with database.transaction() as session:
        if await people.count_operators(session) > 0:
            return
        made = await people.add_person(session, email, name=None, password_hash=password_hash, operator=True)
    log.info("operator_made") if made else log.warning("operator_address_is_taken")
