"""Use cases of logging in: by a password, by a password and a second factor, by a passkey alone.

Each `open_by_*` gives what `tokens.answer` makes tokens of; `log_in*` answer the tokens. Refusals are raised after the
commit, since what was tried is kept.
"""

import secrets
from typing import Any
from uuid import UUID

from stoa_auth.accounts import service as accounts
from stoa_auth.accounts.domain import Proved
from stoa_auth.accounts.passwords import Passwords
from stoa_auth.attempts.service import Limits
from stoa_auth.audit import service as audit
from stoa_auth.factors import service as factors
from stoa_auth.passkeys import service as passkeys
from stoa_auth.passkeys.schemas import PasskeyIn
from stoa_auth.passkeys.service import RelyingParty
from stoa_auth.people import service as people
from stoa_auth.people.service import Person
from stoa_auth.sessions import domain, second_factors
from stoa_auth.sessions.domain import Grant, Opening
from stoa_auth.sessions.opening import Tokens, open_for, open_session
from stoa_auth.sessions.proofs import Checks, Proof
from stoa_auth.sessions.repository import LogInChallengeRepository
from stoa_auth.sessions.schemas import LoginIn, TokensOut
from stoa_auth.sessions.second_factors import SecondFactorIsNeeded
from stoa_common import clock
from stoa_common.database import Database, Session
from stoa_common.errors import Refusal


async def log_in(
    database: Database, wanted: LoginIn, *, passwords: Passwords, tokens: Tokens, limits: Limits
) -> TokensOut:
    """As `open_by_password`."""
    return await tokens.answer(
        await open_by_password(database, wanted, passwords=passwords, tokens=tokens, limits=limits)
    )


async def open_by_password(
    database: Database, wanted: LoginIn, *, passwords: Passwords, tokens: Tokens, limits: Limits
) -> Grant:
    """Open a session. Raises CredentialsAreWrong, TooManyFailures, NoSuchMembership, PasswordQueueIsFull.

    PersonIsUnknown means: erased while the password was being verified. PersonIsSuspended and SecondFactorIsNeeded are
    said only to who knows the password.
    """
    proved = await accounts.check_credentials(
        database, wanted.email, wanted.password, passwords=passwords, limits=limits
    )
    async with database.transaction() as session:
        result = await _open_or_ask(session, proved, organization_id=wanted.organization_id, tokens=tokens)
    if result is None:
        return await open_by_password(database, wanted, passwords=passwords, tokens=tokens, limits=limits)
    return _raised(result)


async def _open_or_ask(
    session: Session, proved: Proved, *, organization_id: UUID | None, tokens: Tokens
) -> Grant | Refusal | None:
    """The person is locked first, so that a factor that is being added counts, or comes afterwards.

    None: the password was changed, or hashed anew, while it was being verified; it has to be once more.
    """
    person = await people.lock_person(session, proved.person_id)
    if not proved.holds_for(person):
        return None
    domain.admit(person)
    if await factors.is_enrolled(session, person.id):
        return await _ask_for_factor(session, person, organization_id=organization_id)
    opening = Opening(methods=("pwd",))
    return await open_for(session, person, opening, organization_id=organization_id, tokens=tokens)


async def _ask_for_factor(session: Session, person: Person, *, organization_id: UUID | None) -> SecondFactorIsNeeded:
    token, at = secrets.token_urlsafe(32), clock.now()
    challenge = second_factors.new_challenge(person.id, token, organization_id=organization_id, at=at)
    await LogInChallengeRepository(session).add(challenge, at=at)
    audit.note(session, "session.ask-factor", actor=None, subject=person.id)
    return SecondFactorIsNeeded(token, await factors.list_methods(session, person.id))


async def log_in_with_factor(
    database: Database, challenge: str, proof: Proof, *, tokens: Tokens, checks: Checks
) -> TokensOut:
    """As `open_by_factor`."""
    return await tokens.answer(await open_by_factor(database, challenge, proof, tokens=tokens, checks=checks))


async def open_by_factor(database: Database, challenge: str, proof: Proof, *, tokens: Tokens, checks: Checks) -> Grant:
    """Go on with a log-in that waits: the proof is a code of an app, a recovery code, or a passkey.

    Raises ChallengeIsOver, CodeIsWrong, PasskeyIsRefused, PasskeyLooksCopied, TooManyFailures, and what
    `open_session` raises.
    """
    async with database.transaction() as session:
        result = await _finish(session, domain.token_hash(challenge), proof, tokens=tokens, checks=checks)
    return _raised(result)


async def _finish(
    session: Session, token_hash: bytes, proof: Proof, *, tokens: Tokens, checks: Checks
) -> Grant | Refusal:
    """The person is locked before the challenge is read: of parallel uses one finds it."""
    repository, at = LogInChallengeRepository(session), clock.now()
    person_id = await repository.find_person_of(token_hash, at=at)
    person = await people.find_and_lock_person(session, person_id) if person_id else None
    waiting = await repository.find(token_hash, at=at) if person else None
    if person is None or waiting is None:
        return second_factors.ChallengeIsOver()
    proved = await checks.prove(session, person, proof)
    if isinstance(proved, Refusal):
        return proved
    await repository.drop(waiting)
    opening = Opening(methods=second_factors.combined(waiting.methods, proved))
    return await open_for(session, person, opening, organization_id=waiting.organization_id, tokens=tokens)


async def begin_factor_passkey(session: Session, challenge: str, *, party: RelyingParty) -> dict[str, Any]:
    """What the browser of a log-in that waits is asked. Raises ChallengeIsOver."""
    token_hash, at = domain.token_hash(challenge), clock.now()
    person_id = await LogInChallengeRepository(session).find_person_of(token_hash, at=at)
    if person_id is None or await people.find_and_hold_person(session, person_id) is None:
        raise second_factors.ChallengeIsOver
    return await passkeys.begin_proof(session, person_id, party=party)


async def begin_passkey_log_in(session: Session, *, party: RelyingParty) -> dict[str, Any]:
    """What any browser is asked that wants to log in by a passkey."""
    return await passkeys.begin_log_in(session, party=party)


async def log_in_with_passkey(
    database: Database, shown: PasskeyIn, *, organization_id: UUID | None, tokens: Tokens, party: RelyingParty
) -> TokensOut:
    """As `open_by_passkey`."""
    return await tokens.answer(
        await open_by_passkey(database, shown, organization_id=organization_id, tokens=tokens, party=party)
    )


async def open_by_passkey(
    database: Database, shown: PasskeyIn, *, organization_id: UUID | None, tokens: Tokens, party: RelyingParty
) -> Grant:
    """Open a session for whoever the passkey belongs to; it is two factors by itself.

    Raises PasskeyIsRefused, PasskeyLooksCopied, and what `open_session` raises.
    """
    async with database.transaction() as session:
        result = await _open_by(session, shown, organization_id=organization_id, tokens=tokens, party=party)
    return _raised(result)


async def _open_by(
    session: Session, shown: PasskeyIn, *, organization_id: UUID | None, tokens: Tokens, party: RelyingParty
) -> Grant | Refusal:
    proven = await passkeys.finish_log_in(session, shown, party=party)
    if isinstance(proven, Refusal):
        return proven
    opening = Opening(methods=proven.methods)
    return await open_session(session, proven.person_id, opening, organization_id=organization_id, tokens=tokens)


def _raised(result: Grant | Refusal) -> Grant:
    if isinstance(result, Refusal):
        raise result
    return result
