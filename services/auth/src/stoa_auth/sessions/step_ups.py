"""Use cases of step-up (RFC 9470): the person of a session proves again who they are, before something dangerous."""

from typing import Any

from stoa_auth.accounts import service as accounts
from stoa_auth.accounts.domain import CredentialsAreWrong
from stoa_auth.accounts.passwords import Passwords
from stoa_auth.attempts.service import Limits
from stoa_auth.audit import service as audit
from stoa_auth.factors import service as factors
from stoa_auth.passkeys import service as passkeys
from stoa_auth.passkeys.service import RelyingParty
from stoa_auth.people import service as people
from stoa_auth.people.service import Person
from stoa_auth.revocations import service as revocations
from stoa_auth.sessions import domain, second_factors
from stoa_auth.sessions.domain import Grant
from stoa_auth.sessions.opening import Tokens, current_standing
from stoa_auth.sessions.proofs import Checks
from stoa_auth.sessions.repository import SessionRepository
from stoa_auth.sessions.schemas import StepUpIn, StepUpOut
from stoa_common import clock
from stoa_common.database import Database, Session
from stoa_common.errors import Refusal, Unauthenticated
from stoa_common.security import Principal


async def step_up(
    database: Database, wanted: StepUpIn, *, caller: Principal, passwords: Passwords, tokens: Tokens, checks: Checks
) -> StepUpOut:
    """Renew the proof of the caller's session. Its access tokens from before are worth nothing, so that whoever keeps
    one for a browser asks for the new one; its refresh token stays good.

    Raises ProofIsWrong, StepUpNeedsFactor, OnlyThePersonStepsUp, TooManyFailures, SessionIsOver, PersonIsUnknown.
    """
    if caller.actor is not None:
        raise second_factors.OnlyThePersonStepsUp
    if wanted.password is not None:
        await _check_password(database, wanted.password, caller, passwords=passwords, limits=checks.guard.limits)
    async with database.transaction() as session:
        result = await _renew(session, wanted, caller, checks=checks)
        is_browsers = await SessionRepository(session).is_kept_by_browser(caller.session_id)
    if isinstance(result, Refusal):
        raise _mended(result)
    if is_browsers:
        # A script in its page could take the token away; the cookie is traded for one that says the same.
        return StepUpOut()
    access_token, expires_in = await tokens.sign(result)
    return StepUpOut(access_token=access_token, expires_in=expires_in)


def _mended(refusal: Refusal) -> Refusal:
    """401 would tell a client to log in again, and its session is fine."""
    is_of_proof = isinstance(refusal, Unauthenticated) and not isinstance(refusal, domain.SessionIsOver)
    return second_factors.ProofIsWrong(refusal.detail) if is_of_proof else refusal


async def _check_password(
    database: Database, password: str, caller: Principal, *, passwords: Passwords, limits: Limits
) -> None:
    async with database.transaction() as session:
        person = await people.get_person(session, caller.person_id)
    try:
        await accounts.check_credentials(database, person.email, password, passwords=passwords, limits=limits)
    except CredentialsAreWrong:
        raise second_factors.ProofIsWrong("This is not your password.") from None


async def _renew(session: Session, wanted: StepUpIn, caller: Principal, *, checks: Checks) -> Grant | Refusal:
    person = await people.lock_person(session, caller.person_id)
    family = await SessionRepository(session).lock_open(caller.session_id, person.id, at=clock.now())
    standing = await current_standing(session, family, person) if family else None
    if family is None or standing is None:
        return domain.SessionIsOver()
    proved = await _prove(session, person, wanted, checks=checks)
    if isinstance(proved, Refusal):
        return proved
    second_factors.step_up(family, proved, at=clock.now())
    audit.note(session, "session.step-up", actor=person.id, target=family.id, after={"methods": list(proved)})
    await revocations.revoke_session(session, family.id)
    at = await revocations.get_time(session)
    # The session's own refresh token stays good.
    return domain.grant(family, standing, refresh_token="", issued_at=at)


async def _prove(session: Session, person: Person, wanted: StepUpIn, *, checks: Checks) -> tuple[str, ...] | Refusal:
    """A stolen session and a guessed password shall not do away with the factor that they lack."""
    if wanted.proof is not None:
        return await checks.prove(session, person, wanted.proof)
    return second_factors.StepUpNeedsFactor() if await factors.is_enrolled(session, person.id) else ("pwd",)


async def begin_step_up_passkey(session: Session, *, caller: Principal, party: RelyingParty) -> dict[str, Any]:
    """What the caller's browser is asked. Raises PersonIsUnknown."""
    await people.hold_person(session, caller.person_id)
    return await passkeys.begin_proof(session, caller.person_id, party=party)
