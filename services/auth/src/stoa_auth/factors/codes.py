"""Checking the codes of apps and recovery codes, and making the latter.

Whoever checks has locked the person, so that parallel guesses come one after another. What `check_code` finds wrong is
a result and not raised: that it was tried must be kept.
"""

from dataclasses import dataclass
from functools import partial
from uuid import UUID

from stoa_auth.attempts import service as attempts
from stoa_auth.attempts.service import Attempt, Limits
from stoa_auth.audit import service as audit
from stoa_auth.factors import domain, provider
from stoa_auth.factors.repository import FactorRepository, RecoveryCodeRepository
from stoa_auth.factors.sealing import FactorSealer
from stoa_auth.mail import service as mail
from stoa_auth.mail.service import Asked, MailSealer
from stoa_auth.people import service as people
from stoa_auth.people.service import Person
from stoa_common import clock
from stoa_common.database import Database, Session
from stoa_common.errors import Refusal

#: RFC 8176; a recovery code is a one-time password, too.
METHODS = ("otp",)


@dataclass(frozen=True, slots=True)
class Guard:
    """With what factors are kept and checked, and how their person is told."""

    sealer: FactorSealer
    limits: Limits
    mail: MailSealer
    issuer: str

    def tell(self, session: Session, person: Person, asked: Asked, languages: str | None) -> None:
        mail.ask(session, asked, to=person.email, sealer=self.mail, accepted_languages=languages, person_id=person.id)


async def verify_code(
    database: Database, person_id: UUID, code: str, *, guard: Guard, languages: str | None = None
) -> list[str]:
    """What an app's code or a recovery code proves (RFC 8176). Raises CodeIsWrong, TooManyFailures, PersonIsUnknown."""
    async with database.transaction() as session:
        person = await people.lock_person(session, person_id)
        result = await check_code(session, person, code, guard=guard, languages=languages)
    if isinstance(result, Refusal):
        raise result
    return result


async def check_code(
    session: Session, person: Person, code: str, *, guard: Guard, languages: str | None
) -> list[str] | Refusal:
    """As `verify_code`, for who has locked the person; what is wrong is answered. Raises TooManyFailures."""
    tried = await _begin(session, person.id, guard.limits)
    is_admitted = all(attempt.is_admitted for attempt in tried)
    # Where it would be of no use, a right code is not used up.
    if not is_admitted or not await _fits(session, person, code, guard=guard, languages=languages):
        for attempt in tried:
            await attempts.fail(session, attempt, limits=guard.limits)
        audit.note(session, "session.refuse", actor=None, subject=person.id)
        return attempts.refusal(max(tried, key=lambda each: each.wait), otherwise=domain.CodeIsWrong())
    for attempt in tried:
        await attempts.succeed(session, attempt)
    return list(METHODS)


async def _begin(session: Session, person_id: UUID, limits: Limits) -> list[Attempt]:
    """Where codes of the person were right before, guesses count for that network; those from all others are one count.

    Six digits would soon be guessed by many networks that try a little each. And only who knows the password gets here.
    """
    name = f"code of {person_id}"
    here = await attempts.begin(session, name, limits=limits)
    return [here] if here.is_known else [here, await attempts.begin(session, name, limits=limits, from_anywhere=True)]


async def _fits(session: Session, person: Person, code: str, *, guard: Guard, languages: str | None) -> bool:
    if domain.is_recovery_code(code):
        return await _use_recovery_code(session, person, code, guard=guard, languages=languages)
    return await _use_app_code(session, person.id, code, guard=guard)


async def _use_app_code(session: Session, person_id: UUID, code: str, *, guard: Guard) -> bool:
    at, repository = clock.now(), FactorRepository(session)
    for factor, authenticator in await repository.list_authenticators(person_id):
        code_of = partial(provider.code, guard.sealer.open(authenticator.sealed, factor_id=factor.id))
        step = domain.find_step(code, code_of, last_step=authenticator.last_step, at=at)
        if step is not None:
            authenticator.last_step, factor.last_used_at = step, at
            return True
    return False


async def _use_recovery_code(
    session: Session, person: Person, code: str, *, guard: Guard, languages: str | None
) -> bool:
    code_hash = _hash(code, person.id, guard=guard)
    used = code_hash and await RecoveryCodeRepository(session).use(code_hash, person.id, at=clock.now())
    if used:
        audit.note(session, "recovery-code.use", actor=person.id, target=person.id)
        guard.tell(session, person, Asked.RECOVERY_CODE_USED, languages)
    return bool(used)


async def renew(session: Session, person_id: UUID, *, guard: Guard) -> list[str]:
    """New recovery codes in place of all from before, as they are shown."""
    codes, repository = domain.new_recovery_codes(), RecoveryCodeRepository(session)
    await repository.drop(person_id)
    hashes = [_hash(each, person_id, guard=guard) for each in codes]
    repository.add([each for each in hashes if each is not None], person_id, at=clock.now())
    return codes


def _hash(code: str, person_id: UUID, *, guard: Guard) -> bytes | None:
    letters = domain.read_recovery_code(code)
    return guard.sealer.hash_code(letters, person_id=person_id) if letters else None
