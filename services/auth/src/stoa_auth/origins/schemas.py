"""HTTP shapes of allowed origins."""

import re
from typing import Annotated, Final
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from stoa_common.browser_cookies import origin_of

MOST_ORIGINS: Final = 50
_HOST: Final = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*|[0-9a-f:]+")
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_WRITE: Final = "Write scheme and host alone, such as https://app.example.com; no path, no wildcard."


def _origin(text: str) -> str:
    """As a browser writes it (RFC 6454). Raises ValueError."""
    written = text.strip().lower()
    try:
        parts = urlsplit(written)
        known = origin_of(written)
    except ValueError:
        raise ValueError(_WRITE) from None
    if parts.scheme not in ("https", "http") or parts.hostname is None or not _HOST.fullmatch(parts.hostname):
        raise ValueError(_WRITE)
    if written != f"{parts.scheme}://{parts.netloc}" or "@" in parts.netloc or parts.netloc.endswith(":"):
        raise ValueError(_WRITE)
    if parts.scheme == "http" and parts.hostname not in _HERE:
        raise ValueError("Write https: a page that came over http may be anybody's. Only localhost may have http.")
    return known


Origin = Annotated[str, Field(max_length=300, examples=["https://app.example.com"]), AfterValidator(_origin)]


class AllowedOrigins(BaseModel):
    """Origins whose pages may ask for the organization's data with an access token."""

    model_config = ConfigDict(extra="forbid")

    origins: Annotated[list[Origin], Field(max_length=MOST_ORIGINS)]


class OrganizationOriginsOut(BaseModel):
    organization_id: UUID
    origins: list[str]


class ListedOrigins(BaseModel):
    """All that organizations list, for the gateway."""

    organizations: list[OrganizationOriginsOut]
