"""What the feed is told by its environment."""

from stoa_common.settings import ServiceSettings


class Settings(ServiceSettings, service="feed"):
    """The settings that every service has."""
