"""Events of people and organizations."""

from typing import Any, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from stoa_events.contract import Event
from stoa_events.contracts import story
from stoa_events.personal import Personal


class UserEvent(Event):
    """A person; belongs to no organization, so it enters no organization's feed."""

    topic: ClassVar[str] = "auth.user"
    subject_field: ClassVar[str] = "person_id"

    person_id: UUID = Field(description="The person.")


class UserRegistered(UserEvent):
    """A person has an account and may log in."""

    type: ClassVar[str] = "stoa.auth.user.registered.v1"
    example: ClassVar[dict[str, Any]] = {
        "person_id": story.ADA,
        "email": story.SEALED_EMAIL,
        "name": story.SEALED_NAME,
        "registered_at": "2025-06-24T21:05:12.974518Z",
    }

    email: Personal[str] = Field(description="The address that the person logs in with.")
    name: Personal[str] = Field(description="The name that others see.")
    registered_at: AwareDatetime = Field(description="When the account was made.")


class UserLoggedIn(UserEvent):
    """A person logged in: a session was opened."""

    type: ClassVar[str] = "stoa.auth.user.logged-in.v1"
    example: ClassVar[dict[str, Any]] = {
        "person_id": story.ADA,
        "session_id": story.SESSION,
        "logged_in_at": "2025-06-24T21:05:55.882336Z",
    }

    session_id: UUID = Field(description="The session; its refresh tokens are one family.")
    logged_in_at: AwareDatetime = Field(description="When the session was opened.")


class UserErased(UserEvent):
    """A person asked to be forgotten: whoever holds rows about them erases these now."""

    type: ClassVar[str] = "stoa.auth.user.erased.v1"
    example: ClassVar[dict[str, Any]] = {"person_id": story.BOB, "erased_at": "2025-09-12T16:02:47.551090Z"}

    erased_at: AwareDatetime = Field(
        description="When the person asked; their keys were destroyed in the same transaction."
    )


class OrganizationEvent(Event):
    topic: ClassVar[str] = "auth.organization"
    subject_field: ClassVar[str] = "organization_id"

    organization_id: UUID = Field(description="The organization.")


class OrganizationCreated(OrganizationEvent):
    """An organization exists; its founder follows as its first member, in `stoa.auth.organization.member-joined.v1`."""

    type: ClassVar[str] = "stoa.auth.organization.created.v1"
    example: ClassVar[dict[str, Any]] = {
        "organization_id": story.ORGANIZATION,
        "name": "Analytical Engines",
        "created_at": "2025-06-24T21:05:12.974518Z",
    }

    name: str = Field(description="What the organization calls itself. It is no person's, so it is not sealed.")
    created_at: AwareDatetime = Field(description="When it was founded.")


class MemberJoined(OrganizationEvent):
    """A person became a member of the organization: its founder, or somebody who was invited.

    Nobody leaves but by being erased, and then `stoa.auth.user.erased.v1` says it.
    """

    type: ClassVar[str] = "stoa.auth.organization.member-joined.v1"
    example: ClassVar[dict[str, Any]] = {
        "organization_id": story.ORGANIZATION,
        "person_id": story.ADA,
        "roles": ["admin"],
        "joined_at": "2025-06-24T21:05:12.974518Z",
    }

    person_id: UUID = Field(description="The new member.")
    roles: list[str] = Field(
        description="Names of all the roles that the member has: `learner`, `author`, `admin`. More may come."
    )
    joined_at: AwareDatetime = Field(description="When they joined.")


class MemberRolesChanged(OrganizationEvent):
    """A member's roles are now these, all of them."""

    type: ClassVar[str] = "stoa.auth.organization.member-roles-changed.v1"
    example: ClassVar[dict[str, Any]] = {
        "organization_id": story.ORGANIZATION,
        "person_id": story.BOB,
        "roles": ["author", "learner"],
        "changed_at": "2025-07-01T10:15:40.007211Z",
    }

    person_id: UUID = Field(description="The member.")
    roles: list[str] = Field(
        description="Names of all the roles from now on: `learner`, `author`, `admin`. What is not named is gone. More "
        "names may come."
    )
    changed_at: AwareDatetime = Field(description="When they changed.")
