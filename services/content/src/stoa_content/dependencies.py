"""What the process opens once at start, for routes and jobs to ask for by its class."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from stoa_common.resources import Resources
from stoa_common.settings import BadSettings
from stoa_content.imports.provider import ArchiveStore
from stoa_content.settings import Settings


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Sequence[object]]:
    """The object storage that uploads wait in."""
    if not settings.objects_url:
        raise BadSettings("Set CONTENT_OBJECTS_URL to a folder (file:///...) or a bucket (s3://...) for uploads.")
    yield [ArchiveStore.open(settings.objects_url, settings.objects_options)]


async def check_objects(resources: Resources) -> None:
    """Raises where uploads cannot be kept."""
    await resources.get(ArchiveStore).ping()
