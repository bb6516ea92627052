"""Use cases of sessions: refresh, log out, see where one is logged in. Log-ins and step-up have modules of their own.

What answers tokens takes the database and not a session of the request. Tokens are signed after the commit, when no
connection is held; and the refusal of a reused token follows the commit that revokes its family.
"""

from datetime import timedelta
from uuid import UUID

from stoa_auth.audit import service as audit
from stoa_auth.people import service as people
from stoa_auth.people.service import Person
from stoa_auth.revocations import service as revocations
from stoa_auth.sessions import domain
from stoa_auth.sessions.log_ins import (
    begin_factor_passkey,
    begin_passkey_log_in,
    log_in,
    log_in_with_factor,
    log_in_with_passkey,
    open_by_factor,
    open_by_passkey,
    open_by_password,
)
from stoa_auth.sessions.models import LoginSession
from stoa_auth.sessions.opening import Tokens, current_standing, new_grant, open_session
from stoa_auth.sessions.proofs import Checks
from stoa_auth.sessions.repository import LogInChallengeRepository, SessionRepository
from stoa_auth.sessions.schemas import SessionOut, TokensOut
from stoa_auth.sessions.second_factors import SecondFactorIsNeeded
from stoa_auth.sessions.step_ups import begin_step_up_passkey, step_up
from stoa_common import clock
from stoa_common.database import Database, Session
from stoa_common.errors import Refusal
from stoa_common.pages import Page, PageQuery
from stoa_common.security import Principal

__all__ = [
    "Checks",
    "SecondFactorIsNeeded",
    "Tokens",
    "begin_factor_passkey",
    "begin_passkey_log_in",
    "begin_step_up_passkey",
    "end_session",
    "is_kept_by_browser",
    "list_sessions",
    "log_in",
    "log_in_with_factor",
    "log_in_with_passkey",
    "log_out",
    "log_out_everywhere",
    "open_by_factor",
    "open_by_passkey",
    "open_by_password",
    "open_session",
    "refresh",
    "renew",
    "revoke_all",
    "step_up",
]


async def refresh(database: Database, refresh_token: str, *, tokens: Tokens) -> TokensOut:
    """Trade a refresh token for new tokens. Raises SessionIsOver, RefreshWasRepeated."""
    return await tokens.answer(await renew(database, refresh_token, tokens=tokens, client_id=None))


async def renew(database: Database, refresh_token: str, *, tokens: Tokens, client_id: str | None) -> domain.Grant:
    """Use a refresh token up, for what `tokens.answer` makes new ones of. One that was given to an OAuth client is
    that client's alone. Raises SessionIsOver, RefreshWasRepeated.
    """
    async with database.transaction() as session:
        result = await _rotate(session, domain.token_hash(refresh_token), client_id=client_id, ttl=tokens.refresh_ttl)
    if isinstance(result, Refusal):
        raise result
    return result


async def _rotate(
    session: Session, token_hash: bytes, *, client_id: str | None, ttl: timedelta
) -> domain.Grant | Refusal:
    repository = SessionRepository(session)
    person_id = await repository.find_person_of(token_hash)
    # The person before the session, as everybody does who locks both.
    person = await people.find_and_hold_person(session, person_id) if person_id else None
    family = await repository.lock_family(token_hash)
    if person is None or family is None or person.suspended_at is not None or family.client_id != client_id:
        return domain.SessionIsOver()
    was_open = family.revoked_at is None
    refusal = domain.refresh(family, await repository.get_token(token_hash), at=clock.now())
    if was_open and family.revoked_at is not None:
        await _note_reuse(session, family)
    return refusal or await _renew(session, family, person, ttl=ttl)


async def _note_reuse(session: Session, family: LoginSession) -> None:
    await revocations.revoke_session(session, family.id)
    audit.note(session, "session.reuse", actor=None, target=family.id, subject=family.person_id)


async def _renew(session: Session, family: LoginSession, person: Person, *, ttl: timedelta) -> domain.Grant | Refusal:
    """Roles are read anew, as nobody changes them meanwhile."""
    standing = await current_standing(session, family, person)
    if standing is None:
        return domain.SessionIsOver()
    at = await revocations.get_time(session)
    family.last_used_at = at
    return await new_grant(session, family, standing, at=at, ttl=ttl)


async def is_kept_by_browser(session: Session, caller: Principal) -> bool:
    """Whether the caller's page has a cookie instead of tokens, so that it is told none that lasts."""
    return await SessionRepository(session).is_kept_by_browser(caller.session_id)


async def log_out(session: Session, caller: Principal) -> None:
    """End the session that the caller's token came from; all its tokens are worth nothing from now on."""
    await _end(session, caller.session_id, caller=caller)


async def _end(session: Session, session_id: UUID, *, caller: Principal) -> bool:
    """Whether it was the caller's, and is over now."""
    if not await SessionRepository(session).revoke(session_id, caller.person_id, at=clock.now()):
        return False
    await revocations.revoke_session(session, session_id)
    audit.note(session, "session.end", actor=caller.person_id, target=session_id)
    return True


async def list_sessions(session: Session, window: PageQuery, *, caller: Principal) -> Page[SessionOut]:
    """Where the caller is logged in."""
    found, following = await SessionRepository(session).page_open(caller.person_id, window, at=clock.now())
    return Page(items=[describe(family, caller=caller) for family in found], next=following)


def describe(family: LoginSession, *, caller: Principal) -> SessionOut:
    return SessionOut(
        id=family.id,
        organization_id=family.organization_id,
        device=family.device,
        created_at=family.opened_at,
        last_used_at=family.last_used_at or family.opened_at,
        current=family.id == caller.session_id,
        impersonated_by="operator" if family.impersonator_id else None,
        ends_at=family.ends_at,
    )


async def end_session(session: Session, session_id: UUID, *, caller: Principal) -> None:
    """End one of the caller's sessions. Raises SessionIsUnknown."""
    if not await _end(session, session_id, caller=caller):
        raise domain.SessionIsUnknown


async def revoke_all(session: Session, person_id: UUID, *, besides: UUID | None = None) -> None:
    """End the person's sessions, all or all but one; the one that stays has to refresh. Raises PersonIsUnknown."""
    await people.lock_person(session, person_id)
    await SessionRepository(session).revoke_all(person_id, besides=besides, at=clock.now())
    # A log-in that waits for its second factor was begun by a password that may be another one now.
    await LogInChallengeRepository(session).drop_all(person_id)
    await revocations.revoke_person(session, person_id)


async def log_out_everywhere(session: Session, caller: Principal) -> None:
    """End all sessions of the caller, this one too. Raises PersonIsUnknown."""
    await revoke_all(session, caller.person_id)
    audit.note(session, "session.end-all", actor=caller.person_id)
