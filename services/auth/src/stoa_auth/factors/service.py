"""Use cases of second factors: set up, list, rename, remove; and the recovery codes. Codes are checked in `codes`.

Whoever adds or removes locks the person first, as everybody does who checks.
"""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from stoa_auth.audit import service as audit
from stoa_auth.factors import codes, domain, provider
from stoa_auth.factors.codes import Guard, check_code, verify_code
from stoa_auth.factors.domain import FactorKind
from stoa_auth.factors.models import Factor
from stoa_auth.factors.repository import FactorRepository, RecoveryCodeRepository
from stoa_auth.factors.schemas import AuthenticatorOut, FactorOut, NewFactorOut, RecoveryCodesLeftOut
from stoa_auth.factors.sealing import FactorSealer
from stoa_auth.mail.service import Asked
from stoa_auth.people import service as people
from stoa_auth.people.service import Person
from stoa_common import clock, outbox
from stoa_common.database import Session
from stoa_common.ids import new_id
from stoa_common.pages import Page, PageQuery

__all__ = [
    "Factor",
    "FactorKind",
    "FactorSealer",
    "Guard",
    "add_factor",
    "check_code",
    "is_enrolled",
    "list_methods",
    "note_use",
    "remove_all",
    "verify_code",
]


async def is_enrolled(session: Session, person_id: UUID) -> bool:
    """Whether the person's password alone opens nothing."""
    return await FactorRepository(session).has_confirmed(person_id)


async def list_methods(session: Session, person_id: UUID) -> list[str]:
    """By what the person can show who they are beside the password; nothing for who has no factor."""
    factors = await FactorRepository(session).list_confirmed(person_id)
    left = await RecoveryCodeRepository(session).count_left(person_id)
    return domain.methods(factors, recovery_codes=left if factors else 0)


async def list_factors(session: Session, person_id: UUID, window: PageQuery) -> Page[FactorOut]:
    found, following = await FactorRepository(session).page_confirmed(person_id, window)
    return Page(items=[FactorOut.model_validate(factor) for factor in found], next=following)


async def begin_authenticator(session: Session, person_id: UUID, *, name: str, guard: Guard) -> AuthenticatorOut:
    """What an app is set up with, which counts once it is confirmed; what was begun before is forgotten.

    Raises TooManyFactors, PersonIsUnknown.
    """
    person = await people.lock_person(session, person_id)
    repository, factor_id = FactorRepository(session), new_id()
    domain.make_room(await repository.list_confirmed(person_id), FactorKind.AUTHENTICATOR)
    await repository.drop_pending(person_id)
    shared = provider.set_up(provider.new_secret(), account=person.email, issuer=guard.issuer)
    factor = domain.new_factor(person_id, FactorKind.AUTHENTICATOR, name, factor_id=factor_id, at=clock.now())
    await repository.add_authenticator(factor, guard.sealer.seal(shared.secret, factor_id=factor_id))
    return AuthenticatorOut(id=factor_id, secret=shared.secret, uri=shared.uri, qr_svg=shared.qr_svg)


async def confirm_authenticator(
    session: Session, person_id: UUID, factor_id: UUID, code: str, *, guard: Guard, languages: str | None
) -> NewFactorOut:
    """The app shows the right codes: it counts from now on. Raises AuthenticatorIsUnknown, CodeDoesNotFit."""
    person = await people.lock_person(session, person_id)
    repository, at = FactorRepository(session), clock.now()
    factor = domain.pending(await repository.find(factor_id, person_id), at=at)
    authenticator = await repository.get_authenticator(factor_id)
    code_of = partial(provider.code, guard.sealer.open(authenticator.sealed, factor_id=factor_id))
    authenticator.last_step = domain.find_step(code, code_of, last_step=None, at=at)
    if authenticator.last_step is None:
        raise domain.CodeDoesNotFit
    return await _admit(session, person, factor, guard=guard, languages=languages)


async def add_factor(
    session: Session, person: Person, kind: FactorKind, *, name: str, guard: Guard, languages: str | None
) -> NewFactorOut:
    """A factor of another feature's counts from now on. Raises TooManyFactors."""
    repository = FactorRepository(session)
    domain.make_room(await repository.list_confirmed(person.id), kind)
    factor = domain.new_factor(person.id, kind, name, factor_id=new_id(), at=clock.now())
    repository.add(factor)
    await session.flush()
    return await _admit(session, person, factor, guard=guard, languages=languages)


async def _admit(
    session: Session, person: Person, factor: Factor, *, guard: Guard, languages: str | None
) -> NewFactorOut:
    outbox.add(session, domain.confirm(factor, at=clock.now()))
    audit.note(session, "factor.add", actor=person.id, target=factor.id, subject=person.id, after={"kind": factor.kind})
    guard.tell(session, person, Asked.FACTOR_ADDED, languages)
    has_codes = await RecoveryCodeRepository(session).count_left(person.id) > 0
    shown = [] if has_codes else await codes.renew(session, person.id, guard=guard)
    return NewFactorOut(factor=FactorOut.model_validate(factor), recovery_codes=shown)


async def renew_recovery_codes(session: Session, person_id: UUID, *, guard: Guard) -> list[str]:
    """Other codes in place of all from before. Raises NoFactor, PersonIsUnknown."""
    await people.lock_person(session, person_id)
    if not await is_enrolled(session, person_id):
        raise domain.NoFactor
    audit.note(session, "recovery-codes.renew", actor=person_id, target=person_id)
    return await codes.renew(session, person_id, guard=guard)


async def count_recovery_codes(session: Session, person_id: UUID) -> RecoveryCodesLeftOut:
    made = await RecoveryCodeRepository(session).list_made(person_id)
    left = sum(code.used_at is None for code in made)
    return RecoveryCodesLeftOut(left=left, made_at=max((code.made_at for code in made), default=None))


async def rename_factor(session: Session, person_id: UUID, factor_id: UUID, *, name: str) -> FactorOut:
    """Raises FactorIsUnknown, PersonIsUnknown."""
    await people.lock_person(session, person_id)
    factor = domain.known(await FactorRepository(session).find(factor_id, person_id))
    factor.name = name
    return FactorOut.model_validate(factor)


async def remove_factor(
    session: Session, person_id: UUID, factor_id: UUID, *, guard: Guard, languages: str | None
) -> None:
    """It proves nothing any more; with the last one go the recovery codes. Raises FactorIsUnknown, PersonIsUnknown."""
    person = await people.lock_person(session, person_id)
    factor = domain.known(await FactorRepository(session).find(factor_id, person_id))
    await _remove(session, person, [factor], actor=person_id, guard=guard, languages=languages)


async def remove_all(
    session: Session, person_id: UUID, *, actor: UUID, guard: Guard, languages: str | None = None
) -> None:
    """Whoever lost all factors and recovery codes logs in by the password alone again. Raises PersonIsUnknown."""
    person = await people.lock_person(session, person_id)
    factors = await FactorRepository(session).list_confirmed(person_id)
    await _remove(session, person, factors, actor=actor, guard=guard, languages=languages)


async def _remove(
    session: Session,
    person: Person,
    factors: Sequence[Factor],
    *,
    actor: UUID,
    guard: Guard,
    languages: str | None,
) -> None:
    removed = [event for factor in factors if (event := domain.remove(factor, at=clock.now()))]
    for factor in factors:
        await FactorRepository(session).drop(factor)
    for event in removed:
        outbox.add(session, event)
        after = {"kind": event.kind}
        audit.note(session, "factor.remove", actor=actor, target=event.factor_id, subject=person.id, before=after)
    if removed:
        guard.tell(session, person, Asked.FACTOR_REMOVED, languages)
    if not await is_enrolled(session, person.id):
        await RecoveryCodeRepository(session).drop(person.id)


async def note_use(session: Session, factor_id: UUID) -> None:
    await FactorRepository(session).note_use(factor_id, at=clock.now())
