"""What the feed is told by its environment."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from stoa_common.settings import ServiceSettings

Network = IPv4Network | IPv6Network
#: Kafka keeps records for 7 days and may bring one again: the copy knows it by its id as long as it holds the event.
SHORTEST_WINDOW_DAYS = 8


def _long_enough(days: int) -> int:
    if 0 < days < SHORTEST_WINDOW_DAYS:
        raise ValueError(f"Keep events for {SHORTEST_WINDOW_DAYS} days or more, or for ever with 0.")
    return days


def _networks(listed: object) -> object:
    """Networks as they stand in the environment: separated by commas or spaces."""
    return tuple(ip_network(part) for part in listed.replace(",", " ").split()) if isinstance(listed, str) else listed


class Settings(ServiceSettings, service="feed"):
    """Settings of the feed, from `FEED_<FIELD>`."""

    retention_days: Annotated[int, AfterValidator(_long_enough)] = Field(
        90, ge=0, description="How long events can be read again; 0 keeps them for ever."
    )
    webhook_secret: SecretStr = Field(min_length=32, description="Seals the secrets of webhooks in the database.")
    webhook_allow_http: bool = Field(False, description="Webhooks without TLS: for development alone.")
    webhook_allowed_networks: Annotated[tuple[Network, ...], BeforeValidator(_networks)] = Field(
        (), description="Networks that webhooks may reach although they are not public."
    )
