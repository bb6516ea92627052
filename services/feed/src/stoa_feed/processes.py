"""The feed: copies the stream, and shows each organization its own part."""

from stoa_common.service import Service
from stoa_feed import dependencies
from stoa_feed.events.consumers import router as copying
from stoa_feed.events.router import router as events
from stoa_feed.settings import Settings

service = Service("feed", settings=Settings, routers=[events], consumers=[copying], resources=dependencies.opened)


def main() -> None:
    service.run()
