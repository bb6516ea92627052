"""Use cases of erasures: collect the services' answers, show them, see which are late."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from stoa_auth.erasures import domain
from stoa_auth.erasures.models import Erasure
from stoa_auth.erasures.repository import ErasureRepository
from stoa_auth.erasures.schemas import ErasureOut
from stoa_common import clock, privacy
from stoa_common.database import Session
from stoa_common.pages import Page, PageQuery

_TOLD: Final = 20


async def note_request(session: Session, person_id: UUID, *, at: datetime) -> None:
    """Somebody asked to be forgotten, and every service has heard it."""
    await ErasureRepository(session).lock(privacy.digest(person_id), requested_at=at)


async def note_completion(
    session: Session, person_digest: str, *, service: str, requested_at: datetime, at: datetime
) -> None:
    """A service has forgotten somebody; the last answer completes the erasure."""
    repository = ErasureRepository(session)
    erasure = await repository.lock(person_digest, requested_at=requested_at)
    await repository.add_completion(person_digest, service, at=at)
    completed = (await repository.completions([person_digest]))[person_digest]
    if erasure.completed_at is None and domain.is_complete(completed):
        erasure.completed_at = max(completed.values())


async def list_erasures(
    session: Session, window: PageQuery, *, is_open: bool | None, person_id: UUID | None, late_after: timedelta
) -> Page[ErasureOut]:
    repository = ErasureRepository(session)
    person_digest = privacy.digest(person_id) if person_id else None
    erasures, following = await repository.page(window, is_open=is_open, person_digest=person_digest)
    completed = await repository.completions(each.person_digest for each in erasures)
    before = clock.now() - late_after
    shown = [_shown(each, completed.get(each.person_digest, {}), late_before=before) for each in erasures]
    return Page(items=shown, next=following)


def _shown(erasure: Erasure, completed: Mapping[str, datetime], *, late_before: datetime) -> ErasureOut:
    return ErasureOut(
        person_digest=erasure.person_digest,
        requested_at=erasure.requested_at,
        completed_at=erasure.completed_at,
        completed=dict(completed),
        waiting_for=domain.waiting_for(completed),
        is_late=erasure.completed_at is None and erasure.requested_at < late_before,
    )


async def find_late(session: Session, *, late_after: timedelta) -> tuple[int, dict[str, list[str]]]:
    """How many erasures are late; and for the oldest, by digest, which services have not answered."""
    repository, before = ErasureRepository(session), clock.now() - late_after
    oldest = await repository.list_open(before=before, limit=_TOLD)
    completed = await repository.completions(each.person_digest for each in oldest)
    waiting = {each.person_digest: domain.waiting_for(completed.get(each.person_digest, {})) for each in oldest}
    return await repository.count_open(before=before), waiting
