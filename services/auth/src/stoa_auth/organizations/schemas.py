"""HTTP shapes of organizations."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from stoa_auth.people.schemas import Email, Name

#: PostgreSQL stores no NUL, and cannot be asked for one either.
AskedRole = Annotated[str, Field(pattern=r"^[^\x00]*$")]
Roles = Annotated[list[AskedRole], Field(min_length=1, max_length=10, examples=[["learner"]])]
RoleName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40, examples=["grader"])]
Description = Annotated[str, Field(min_length=1, max_length=500, examples=["Looks at what learners answered."])]
Permissions = Annotated[list[str], Field(min_length=1, max_length=200, examples=[["course:read", "attempt:read"]])]
InvitationToken = Annotated[str, Field(min_length=1, max_length=200)]


class OrganizationOut(BaseModel):
    """An organization, and what the caller is in it (nothing, where an operator looks)."""

    id: UUID
    name: str
    created_at: datetime
    suspended_at: datetime | None = Field(None, description="Since when nobody acts for it.")
    roles: list[str]


class OrganizationIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name


class InvitationIn(BaseModel):
    """Who may join, and as what: whoever has the token, or the one person whom it is mailed to."""

    model_config = ConfigDict(extra="forbid")

    roles: Roles
    max_uses: Annotated[int, Field(ge=1, le=10_000)] = 1
    expires_in_hours: Annotated[int, Field(ge=1, le=24 * 365)] = 72
    email: Email | None = Field(None, description="Mails the token there, and lets nobody else use it.")
    language: Literal["en", "ru"] | None = Field(None, description="The mail's; else what Accept-Language asks for.")

    @model_validator(mode="after")
    def _is_for_one_or_for_many(self) -> Self:
        if self.email is not None and self.max_uses != 1:
            raise ValueError("An invitation that is mailed to one person has one use: leave max_uses out.")
        return self


class InvitationOut(BaseModel):
    """An invitation; its token is shown this once, and not at all where it is mailed."""

    id: UUID
    organization_id: UUID
    token: str | None
    roles: list[str]
    max_uses: int
    expires_at: datetime


class OpenInvitationOut(BaseModel):
    """An invitation that still admits somebody; its address is for callers with `person:read`, and null to others."""

    id: UUID
    roles: list[str]
    is_mailed: bool
    email: str | None
    max_uses: int
    uses: int
    created_by: UUID
    created_at: datetime
    expires_at: datetime


class AcceptanceIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    invitation: InvitationToken


class MemberOut(BaseModel):
    """A member, and what they may do; name and address are for callers with `person:read`, and null to others."""

    person_id: UUID
    email: str | None
    name: str | None
    roles: list[str]
    joined_at: datetime
    suspended_at: datetime | None = Field(None, description="Since when they do not act for the organization.")


class RolesIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    roles: Roles


class RoleIn(BaseModel):
    """A role of the organization's own. Its name stays; what it is made of can be changed."""

    model_config = ConfigDict(extra="forbid")

    name: RoleName
    description: Description
    permissions: Permissions


class RoleChangeIn(BaseModel):
    """What of a role is changed; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    description: Description | None = None
    permissions: Permissions | None = None


class RoleOut(BaseModel):
    """What a member can be."""

    name: str
    description: str
    permissions: list[str]
    is_own: bool = Field(description="Whether it is the organization's own; the others are the same everywhere.")
