"""HTTP shapes of organizations."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

Roles = Annotated[list[str], Field(min_length=1, max_length=10, examples=[["learner"]])]


class OrganizationOut(BaseModel):
    """An organization, and what the caller is in it (nothing, where an operator looks)."""

    id: UUID
    name: str
    created_at: datetime
    roles: list[str]


class InvitationIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    roles: Roles
    max_uses: Annotated[int, Field(ge=1, le=10_000)] = 1
    expires_in_hours: Annotated[int, Field(ge=1, le=24 * 365)] = 72


class InvitationOut(BaseModel):
    """An invitation; its token is shown this once."""

    id: UUID
    organization_id: UUID
    token: str
    roles: list[str]
    max_uses: int
    expires_at: datetime


class MemberOut(BaseModel):
    """A member, and what they may do; name and address are for callers with `person:read`, and null to others."""

    person_id: UUID
    email: str | None
    name: str | None
    roles: list[str]
    joined_at: datetime


class RolesIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    roles: Roles
