"""What the feed opens once at start."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from stoa_common.database import Database
from stoa_feed.events.tail import Tail
from stoa_feed.settings import Settings
from stoa_feed.webhooks.provider import Sender
from stoa_feed.webhooks.sealing import Sealer


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Sequence[object]]:
    """Connections of its own for the copy, so that readers never wait for it; the streams' tail; what webhooks need."""
    if settings.database_url is None:
        raise SystemExit("Set FEED_DATABASE_URL: the feed keeps its copy of the stream in PostgreSQL.")
    database = Database(settings.database_url.get_secret_value(), pool_size=2, application_name="feed-copy")
    sender = Sender(allow_http=settings.webhook_allow_http, allowed=settings.webhook_allowed_networks)
    try:
        yield [database, Tail(), sender, Sealer(settings.webhook_secret.get_secret_value())]
    finally:
        await sender.close()
        await database.close()
