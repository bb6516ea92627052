"""What the object storage holds of people, for the service's answer to them: the archives that they sent."""

from uuid import UUID

from stoa_common.privacy import PersonalSource, Rows
from stoa_common.resources import Resources
from stoa_content.imports.provider import ArchiveStore


async def _export(resources: Resources, person_id: UUID) -> Rows:
    return await resources.get(ArchiveStore).list_of(person_id)


async def _erase(resources: Resources, person_id: UUID) -> None:
    await resources.get(ArchiveStore).forget(person_id)


uploads = PersonalSource("uploads", export=_export, erase=_erase)
