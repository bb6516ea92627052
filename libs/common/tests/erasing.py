"""Somebody who is erased, and what a test asks afterwards."""

import asyncio
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from stoa_sample import service as sample

from stoa_common import clock, privacy
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.privacy.erasing import erasures_due
from stoa_common.privacy.sweeping import Sweeper
from stoa_common.resources import Resources
from stoa_events.contracts import LearnerEnrolled, UserErased
from stoa_events.contracts.operations import operations_of

ROUTER: Final = privacy.erasure_router("sample")
COMPLETED: Final = operations_of("sample").privacy_completed


@dataclass
class Shelf:
    """Something outside the database that holds people's texts."""

    texts: dict[UUID, list[str]] = field(default_factory=dict)

    @property
    def source(self) -> privacy.PersonalSource:
        return privacy.PersonalSource("shelf", export=self._export, erase=self._erase, count=self._count)

    async def _export(self, _: Resources, person_id: UUID) -> privacy.Rows:
        return [{"text": each} for each in self.texts.get(person_id, [])]

    async def _erase(self, _: Resources, person_id: UUID) -> None:
        self.texts.pop(person_id, None)

    async def _count(self, _: Resources, wanted: str) -> int:
        return sum(wanted in each for texts in self.texts.values() for each in texts)


def a_sweeper(database: Database, *sources: privacy.PersonalSource, settle_seconds: float = 0) -> Sweeper:
    return Sweeper("sample", database, Resources(), sources, settle_seconds)


async def sweep(sweeper: Sweeper) -> None:
    """All that is due; other tests leave some, too."""
    async with asyncio.timeout(30):
        while await _is_any_due(sweeper.database):
            await sweeper.sweep_due()
            await asyncio.sleep(0.02)


async def _is_any_due(database: Database) -> bool:
    async with database.transaction() as session:
        return bool(await session.scalar(select(func.count()).select_from(erasures_due)))


def an_erasure(person_id: UUID) -> UserErased:
    return UserErased(person_id=person_id, erased_at=clock.now())


def an_enrollment(person_id: UUID) -> LearnerEnrolled:
    return LearnerEnrolled(
        enrollment_id=new_id(),
        organization_id=new_id(),
        course_id=new_id(),
        person_id=person_id,
        enrolled_at=clock.now(),
    )


async def notes_of(database: Database, person_id: UUID) -> int:
    async with database.transaction() as session:
        mine = select(func.count()).select_from(sample.Note).where(sample.Note.person_id == person_id)
        return await session.scalar(mine) or 0
