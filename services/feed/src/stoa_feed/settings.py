"""What the feed is told by its environment."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from stoa_common.outgoing.addresses import Networks
from stoa_common.settings import ServiceSettings

#: Kafka keeps records for 7 days and may bring one again: the copy knows it by its id as long as it holds the event.
SHORTEST_WINDOW_DAYS = 8


def _long_enough(days: int) -> int:
    if 0 < days < SHORTEST_WINDOW_DAYS:
        raise ValueError(f"Keep events for {SHORTEST_WINDOW_DAYS} days or more, or for ever with 0.")
    return days


class Settings(ServiceSettings, service="feed"):
    """Settings of the feed, from `FEED_<FIELD>`."""

    retention_days: Annotated[int, AfterValidator(_long_enough)] = Field(
        90, ge=0, description="How long events can be read again; 0 keeps them for ever."
    )
    webhook_secret: SecretStr = Field(min_length=32, description="Seals the secrets of webhooks in the database.")
    webhook_allow_http: bool = Field(False, description="Webhooks without TLS: for development alone.")
    webhook_allowed_networks: Networks = Field(
        (), description="Networks that webhooks may reach although they are not public."
    )
