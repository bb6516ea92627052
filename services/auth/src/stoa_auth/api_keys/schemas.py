"""HTTP shapes of API keys, and of the exchange of a key for an access token (RFC 8693)."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from stoa_auth.people.schemas import Name

MOST_SCOPES = 100
LONGEST_GRACE_SECONDS = 30 * 24 * 3600
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  # a name of RFC 8693, not a secret

Scopes = Annotated[
    list[Annotated[str, Field(max_length=100)]],
    Field(min_length=1, max_length=MOST_SCOPES, examples=[["course:read", "answer:create"]]),
]


class ApiKeyIn(BaseModel):
    """A key is wanted, for some of what the caller may do."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Name, Field(examples=["Nightly import"])]
    scopes: Annotated[Scopes, Field(description="Permissions of the caller; the key never has more than they have.")]
    expires_in_days: Annotated[int | None, Field(ge=1, le=3650, description="null: until it is revoked.")] = 90


class ApiKeyNameIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name


class RotationIn(BaseModel):
    """The text of a key is to be replaced by a new one."""

    model_config = ConfigDict(extra="forbid")

    prefix: Annotated[
        str,
        Field(max_length=50, description="The prefix that is replaced. If another rotation came first, it is refused."),
    ]
    grace_seconds: Annotated[
        int,
        Field(ge=0, le=LONGEST_GRACE_SECONDS, description="How long texts from before stay valid. 0 for a leaked one."),
    ] = 24 * 3600


class RetiringOut(BaseModel):
    """A text from before a rotation, which is still valid."""

    prefix: str
    valid_until: datetime


class ApiKeyOut(BaseModel):
    """A key, without what opens it."""

    id: UUID
    person_id: UUID = Field(description="Whose key it is: it acts for them.")
    name: str
    prefix: str = Field(description="The visible part of the key's text: `stoa_<prefix>_...`.")
    scopes: list[str] = Field(description="What it may do, as far as the person may do it now.")
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To within some minutes; null before the first use.")
    revoked_at: datetime | None
    retiring: list[RetiringOut]


class NewApiKeyOut(ApiKeyOut):
    """A key with its text, which is shown this once."""

    key: str = Field(description="Send it as `Authorization: Bearer <key>`, or as `X-API-Key`. It is not shown again.")


class TokenOut(BaseModel):
    """An access token for a moment (RFC 8693, section 2.2.1)."""

    access_token: str
    issued_token_type: str = ACCESS_TOKEN
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  # as above
    expires_in: int
