"""The feed: copies the stream, shows each organization its own part, and sends it where the organization wants it."""

from stoa_common.service import Service
from stoa_feed import dependencies
from stoa_feed.events import retention
from stoa_feed.events.consumers import router as copying
from stoa_feed.events.router import router as events
from stoa_feed.settings import Settings
from stoa_feed.webhooks import deliverer
from stoa_feed.webhooks.consumers import router as webhook_states
from stoa_feed.webhooks.router import router as webhooks

service = Service(
    "feed",
    settings=Settings,
    routers=[events, webhooks],
    consumers=[copying, webhook_states],
    background=[deliverer.run, retention.run],
    resources=dependencies.opened,
)


def main() -> None:
    service.run()
