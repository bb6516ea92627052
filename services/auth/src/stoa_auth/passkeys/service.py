"""Use cases of passkeys: register one, and show by it who one is.

A passkey is two factors at once: its device is held, and has verified its person. So it logs in by itself, and is a
second factor as well. What is wrong with an assertion is a result and not raised: the challenge is used up by it.
"""

import secrets
from dataclasses import asdict
from typing import Any
from uuid import UUID

from stoa_auth.audit import service as audit
from stoa_auth.factors import service as factors
from stoa_auth.factors.schemas import NewFactorOut
from stoa_auth.factors.service import FactorKind, Guard
from stoa_auth.passkeys import domain, provider
from stoa_auth.passkeys.domain import Proven, Purpose, RelyingParty
from stoa_auth.passkeys.repository import ChallengeRepository, PasskeyRepository
from stoa_auth.passkeys.schemas import NewPasskeyIn, PasskeyIn
from stoa_auth.people import service as people
from stoa_common import clock
from stoa_common.database import Database, Session
from stoa_common.errors import Refusal

__all__ = ["Proven", "RelyingParty", "begin_log_in", "begin_proof", "check_proof", "finish_log_in"]


async def begin_registration(session: Session, person_id: UUID, *, party: RelyingParty) -> dict[str, Any]:
    """What the person's browser makes a passkey by. Raises PersonIsUnknown."""
    person = await people.hold_person(session, person_id)
    known = await PasskeyRepository(session).list_of(person_id)
    challenge = await _new_challenge(session, Purpose.REGISTER, person_id)
    return provider.registration_options(
        party,
        challenge,
        user_handle=person_id.bytes,
        account=person.email,
        name=person.name or person.email,
        known=known,
    )


async def register(
    session: Session, person_id: UUID, wanted: NewPasskeyIn, *, party: RelyingParty, guard: Guard, languages: str | None
) -> NewFactorOut:
    """Keep what the browser made. Raises PasskeyDoesNotFit, PasskeyIsKnown, TooManyFactors, PersonIsUnknown."""
    person = await people.lock_person(session, person_id)
    credential = wanted.credential.model_dump(mode="json")
    challenge = await _use_challenge(session, credential, Purpose.REGISTER, person_id)
    if challenge is None:
        raise domain.PasskeyDoesNotFit("This was asked for more than five minutes ago, or is used already.")
    made = provider.verify_registration(credential, challenge, party)
    added = await factors.add_factor(
        session, person, FactorKind.PASSKEY, name=wanted.name, guard=guard, languages=languages
    )
    kept = {"factor_id": added.factor.id, "person_id": person_id, **asdict(made), "transports": list(made.transports)}
    if not await PasskeyRepository(session).add_unless_known(kept):
        raise domain.PasskeyIsKnown
    return added


async def begin_log_in(session: Session, *, party: RelyingParty) -> dict[str, Any]:
    """What any browser may be asked: it offers the passkeys that it has for us."""
    return provider.assertion_options(party, await _new_challenge(session, Purpose.LOG_IN, None), allowed=())


async def finish_log_in(session: Session, shown: PasskeyIn, *, party: RelyingParty) -> Proven | Refusal:
    """Who the passkey belongs to; they are locked from now on."""
    credential = shown.model_dump(mode="json")
    challenge = await _use_challenge(session, credential, Purpose.LOG_IN, None)
    credential_id = provider.read_credential_id(credential)
    person_id = await PasskeyRepository(session).find_person_of(credential_id) if credential_id else None
    person = await people.find_and_lock_person(session, person_id) if person_id else None
    if challenge is None or person is None or provider.read_user_handle(credential) != person.id.bytes:
        return domain.PasskeyIsRefused()
    return await _check(session, credential, challenge, person_id=person.id, party=party)


async def log_in(database: Database, shown: PasskeyIn, *, party: RelyingParty) -> Proven:
    """As `finish_log_in`, in a transaction of its own. Raises PasskeyIsRefused, PasskeyLooksCopied."""
    async with database.transaction() as session:
        result = await finish_log_in(session, shown, party=party)
    if isinstance(result, Refusal):
        raise result
    return result


async def begin_proof(session: Session, person_id: UUID, *, party: RelyingParty) -> dict[str, Any]:
    """What the browser of a person who is known already is asked: one of their passkeys."""
    allowed = await PasskeyRepository(session).list_of(person_id)
    return provider.assertion_options(party, await _new_challenge(session, Purpose.PROVE, person_id), allowed=allowed)


async def check_proof(session: Session, person_id: UUID, shown: PasskeyIn, *, party: RelyingParty) -> Proven | Refusal:
    """Whether it is a passkey of this person's, who is locked by the caller."""
    credential = shown.model_dump(mode="json")
    challenge = await _use_challenge(session, credential, Purpose.PROVE, person_id)
    handle = provider.read_user_handle(credential)
    # A device may leave the handle out where it was told which passkeys to use.
    if challenge is None or handle not in {None, person_id.bytes}:
        return domain.PasskeyIsRefused()
    return await _check(session, credential, challenge, person_id=person_id, party=party)


async def _check(
    session: Session, credential: dict[str, Any], challenge: bytes, *, person_id: UUID, party: RelyingParty
) -> Proven | Refusal:
    credential_id = provider.read_credential_id(credential)
    passkey = await PasskeyRepository(session).find(credential_id, person_id) if credential_id else None
    if passkey is None:
        return domain.PasskeyIsRefused()
    try:
        use = provider.verify_use(credential, challenge, passkey, party)
    except domain.PasskeyIsRefused as refusal:
        audit.note(session, "session.refuse", actor=None, target=passkey.factor_id, subject=person_id)
        return refusal
    copied = domain.advance(passkey, use)
    if copied is not None:
        audit.note(session, "passkey.suspect", actor=None, target=passkey.factor_id, subject=person_id)
        return copied
    await factors.note_use(session, passkey.factor_id)
    return Proven(person_id, domain.methods(passkey))


async def _new_challenge(session: Session, purpose: Purpose, person_id: UUID | None) -> bytes:
    challenge, at = secrets.token_bytes(domain.CHALLENGE_BYTES), clock.now()
    await ChallengeRepository(session).add(domain.new_challenge(challenge, purpose, person_id=person_id, at=at), at=at)
    return challenge


async def _use_challenge(
    session: Session, credential: dict[str, Any], purpose: Purpose, person_id: UUID | None
) -> bytes | None:
    challenge = provider.read_challenge(credential)
    if challenge is None:
        return None
    return challenge if await ChallengeRepository(session).use(challenge, purpose, person_id, at=clock.now()) else None
