"""What the feed opens once at start: connections of its own for the copy, so that readers never wait for it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from stoa_common.database import Database
from stoa_feed.settings import Settings


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Sequence[object]]:
    if settings.database_url is None:
        raise SystemExit("Set FEED_DATABASE_URL: the feed keeps its copy of the stream in PostgreSQL.")
    database = Database(settings.database_url.get_secret_value(), pool_size=2, application_name="feed-copy")
    try:
        yield [database]
    finally:
        await database.close()
