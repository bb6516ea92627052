"""HTTP shapes of sessions."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from stoa_auth.people.schemas import Email

OpaqueToken = Annotated[str, Field(min_length=1, max_length=200)]


class LoginIn(BaseModel):
    """Somebody asks for a session; without an organization it is the one that they have been in longest."""

    model_config = ConfigDict(extra="forbid")

    email: Email
    password: Annotated[str, Field(min_length=1, max_length=1000)]
    organization_id: UUID | None = None


class RefreshIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    refresh_token: OpaqueToken


class SessionOut(BaseModel):
    """One of the caller's sessions: a device or an app that is logged in."""

    id: UUID
    organization_id: UUID | None
    device: str | None = Field(description="What the client called itself, shortened.", examples=["Firefox on Linux"])
    created_at: datetime
    last_used_at: datetime = Field(description="When it was last refreshed.")
    current: bool = Field(description="Whether the access token of this request came from it.")


class TokensOut(BaseModel):
    """What a session is used with. The refresh token is good for one use: keep the newest."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  # the scheme's name
    expires_in: int = Field(description="Seconds that the access token is good for.")
    refresh_token: str
    person_id: UUID
    organization_id: UUID | None
