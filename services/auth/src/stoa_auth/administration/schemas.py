"""HTTP shapes of administration."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import Depends, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from stoa_auth.people.schemas import Name
from stoa_auth.sessions.schemas import SessionOut

MOST_MINUTES: Final = 60
#: PostgreSQL's text has no NUL.
_TEXT = r"^[^\x00]*$"
_LOWER = AfterValidator(lambda text: text.strip().lower())
_Beginning = Annotated[str, Field(min_length=3, max_length=254, pattern=_TEXT), _LOWER]
_Words = Annotated[str, Field(min_length=1, max_length=200, pattern=_TEXT)]
EmailQuery = Annotated[_Beginning | None, Query(description="An address, or how it begins; case is no matter.")]
NameQuery = Annotated[_Words | None, Query(description="Words of the name, or how they begin.")]
Reason = Annotated[
    Name, Field(description="Why; kept in the audit log, sealed with the person's key.", examples=["Ticket 4711"])
]


class Search(BaseModel):
    """Whom to find; all that is given must fit."""

    email: str | None = None
    name: str | None = None
    id: UUID | None = None
    organization_id: UUID | None = None
    suspended: bool | None = None

    def asked(self) -> list[str]:
        """By what, and not with which texts: these would outlast the people whom they name."""
        return sorted(self.model_dump(exclude_none=True))


def _search(
    email: EmailQuery = None,
    name: NameQuery = None,
    person_id: Annotated[UUID | None, Query(alias="id", description="The person's id.")] = None,
    organization_id: Annotated[UUID | None, Query(description="Only members of this organization.")] = None,
    suspended: Annotated[bool | None, Query(description="Only who is suspended; or only who is not.")] = None,
) -> Search:
    return Search(email=email, name=name, id=person_id, organization_id=organization_id, suspended=suspended)


def _search_members(
    email: EmailQuery = None,
    name: NameQuery = None,
    suspended: Annotated[bool | None, Query(description="Only whose membership is suspended; or only others.")] = None,
) -> Search:
    return Search(email=email, name=name, suspended=suspended)


SearchQuery = Annotated[Search, Depends(_search)]
MemberSearchQuery = Annotated[Search, Depends(_search_members)]


class ReasonIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason


class ResetIn(ReasonIn):
    """A person is to prove anew who they are; each part may be left out."""

    forget_password: bool = Field(
        True, description="The password opens nothing any more: a new one is chosen by the code in the mail."
    )
    remove_second_factors: bool = Field(True, description="Authenticator apps, recovery codes and passkeys are gone.")


class ImpersonationIn(ReasonIn):
    """An operator wants to stand in for a person."""

    organization_id: UUID | None = Field(
        None, description="For which organization; null: for the one that the person has been in longest."
    )
    minutes: Annotated[int, Field(ge=1, le=MOST_MINUTES, description="Until it ends by itself.")] = 15


class ImpersonationOut(BaseModel):
    """What an impersonation is done with. Its tokens name the operator in `act`, and open less than the person's."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  # the scheme's name
    expires_in: int = Field(description="Seconds that the access token is good for.")
    refresh_token: str | None = Field(description="null for a browser, whose page shall hold nothing that lasts.")
    person_id: UUID
    organization_id: UUID | None
    session_id: UUID = Field(description="By which it is ended.")
    ends_at: datetime


class PersonFoundOut(BaseModel):
    """A person, as operators see them."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    email: str
    email_verified: bool
    name: str | None
    operator: bool
    registered_at: datetime
    suspended_at: datetime | None = Field(description="Since when the platform refuses them.")


class MembershipOut(BaseModel):
    """A person's place in an organization."""

    organization_id: UUID
    organization_name: str
    roles: list[str]
    joined_at: datetime
    suspended_at: datetime | None


class AccessOut(BaseModel):
    """How somebody comes in."""

    last_logged_in_at: datetime | None = Field(description="By themselves; null: not since sessions are kept.")
    second_factors: list[str] = Field(description="Their kinds.", examples=[["totp"]])
    sessions: list[SessionOut] = Field(description="Those that are open, the newest first, a hundred at most.")


class PersonShownOut(PersonFoundOut, AccessOut):
    """A person, with where they belong and how they come in."""

    has_password: bool
    memberships: list[MembershipOut]


class MemberFoundOut(BaseModel):
    """A member, as their organization's admins see them."""

    person_id: UUID
    email: str
    email_verified: bool
    name: str | None
    roles: list[str]
    joined_at: datetime
    suspended_at: datetime | None = Field(description="Since when they do not act for the organization.")


class MemberShownOut(MemberFoundOut, AccessOut):
    """A member, with how they come in; of their sessions those that act for this organization."""
