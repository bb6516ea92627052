"""Events of organizations, of their members and of their own roles."""

from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from stoa_events.contract import Event
from stoa_events.contracts import story


class Leaving(StrEnum):
    """How somebody ceased to be a member."""

    LEFT = "left"
    REMOVED = "removed"
    ERASED = "erased"


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
    """A person became a member of the organization: its founder, or somebody who was invited or provisioned.

    They are one until `stoa.auth.organization.member-left.v1`.
    """

    type: ClassVar[str] = "stoa.auth.organization.member-joined.v1"
    example: ClassVar[dict[str, Any]] = {
        "organization_id": story.ORGANIZATION,
        "person_id": story.ADA,
        "roles": ["owner"],
        "joined_at": "2025-06-24T21:05:12.974518Z",
    }

    person_id: UUID = Field(description="The new member.")
    roles: list[str] = Field(
        description="Names of all the roles that the member has: `learner`, `author`, `coach`, `manager`, `admin`, "
        "`owner`, or one of the organization's own. More may come."
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
        description="Names of all the roles from now on: `learner`, `author`, `coach`, `manager`, `admin`, `owner`, or "
        "one of the organization's own. What is not named is gone. More names may come."
    )
    changed_at: AwareDatetime = Field(description="When they changed.")


class OrganizationRenamed(OrganizationEvent):
    """The organization calls itself otherwise."""

    type: ClassVar[str] = "stoa.auth.organization.renamed.v1"
    example: ClassVar[dict[str, Any]] = {
        "organization_id": story.ORGANIZATION,
        "name": "Difference and Analytical Engines",
        "renamed_at": "2025-07-03T09:12:44.310852Z",
    }

    name: str = Field(description="The new name. It is no person's, so it is not sealed.")
    renamed_at: AwareDatetime = Field(description="When it was renamed.")


class OrganizationOriginsChanged(OrganizationEvent):
    """Pages of exactly these origins may ask for the organization's data from a browser, with an access token."""

    type: ClassVar[str] = "stoa.auth.organization.origins-changed.v1"
    example: ClassVar[dict[str, Any]] = {
        "organization_id": story.ORGANIZATION,
        "origins": ["https://learn.example"],
        "changed_at": "2025-07-04T10:22:31.507114Z",
    }

    origins: list[str] = Field(description="All of them, as browsers write an Origin; none where no page may ask.")
    changed_at: AwareDatetime = Field(description="When that was set.")


class OrganizationSuspended(OrganizationEvent):
    """Nobody acts for the organization from now on; all that is its stays, and its members may act elsewhere."""

    type: ClassVar[str] = "stoa.auth.organization.suspended.v1"
    example: ClassVar[dict[str, Any]] = {
        "organization_id": story.ORGANIZATION,
        "suspended_at": "2025-08-11T13:40:02.771935Z",
    }

    suspended_at: AwareDatetime = Field(description="When an operator suspended it.")


class OrganizationResumed(OrganizationEvent):
    """The organization's members may act for it again."""

    type: ClassVar[str] = "stoa.auth.organization.resumed.v1"
    example: ClassVar[dict[str, Any]] = {
        "organization_id": story.ORGANIZATION,
        "resumed_at": "2025-08-12T08:05:59.046127Z",
    }

    resumed_at: AwareDatetime = Field(description="When an operator resumed it.")


class MemberLeft(OrganizationEvent):
    """A person is no member of the organization any more. What they did there stays, unless they were erased."""

    type: ClassVar[str] = "stoa.auth.organization.member-left.v1"
    example: ClassVar[dict[str, Any]] = {
        "organization_id": story.ORGANIZATION,
        "person_id": story.BOB,
        "reason": "removed",
        "left_at": "2025-09-01T15:30:21.648390Z",
    }

    person_id: UUID = Field(description="Who was a member.")
    reason: str = Field(
        description="`left`: they went by themselves; `removed`: somebody of the organization, or what provisions its "
        "members, took them out; `erased`: they asked to be forgotten, and `stoa.auth.user.erased.v1` says so, too. "
        "More words may come."
    )
    left_at: AwareDatetime = Field(description="When they ceased to be a member.")


class MemberSuspended(OrganizationEvent):
    """A member can't act for the organization from now on, and keeps their place and roles in it."""

    type: ClassVar[str] = "stoa.auth.organization.member-suspended.v1"
    example: ClassVar[dict[str, Any]] = {
        "organization_id": story.ORGANIZATION,
        "person_id": story.BOB,
        "suspended_at": "2025-08-20T07:55:13.209461Z",
    }

    person_id: UUID = Field(description="The member.")
    suspended_at: AwareDatetime = Field(description="When they were suspended.")


class MemberResumed(OrganizationEvent):
    """A member who was suspended may act for the organization again, with the roles that they have."""

    type: ClassVar[str] = "stoa.auth.organization.member-resumed.v1"
    example: ClassVar[dict[str, Any]] = {
        "organization_id": story.ORGANIZATION,
        "person_id": story.BOB,
        "resumed_at": "2025-08-25T08:00:40.530017Z",
    }

    person_id: UUID = Field(description="The member.")
    resumed_at: AwareDatetime = Field(description="When they were resumed.")


class RoleChanged(OrganizationEvent):
    """A role of the organization's own is this from now on: it is new, or was changed. Its holders stay its holders."""

    type: ClassVar[str] = "stoa.auth.organization.role-changed.v1"
    example: ClassVar[dict[str, Any]] = {
        "organization_id": story.ORGANIZATION,
        "role": "grader",
        "description": "Looks at what learners answered.",
        "permissions": ["course:read", "attempt:read"],
        "changed_at": "2025-07-08T11:20:37.914206Z",
    }

    role: str = Field(description="The role's name, as members' roles name it; it never changes.")
    description: str = Field(description="What it is for, in the organization's words.")
    permissions: list[str] = Field(
        description="Names of all the permissions that it is made of from now on. More names may come."
    )
    changed_at: AwareDatetime = Field(description="When it was made or changed.")


class RoleDeleted(OrganizationEvent):
    """The organization has no role of this name any more; nobody had it."""

    type: ClassVar[str] = "stoa.auth.organization.role-deleted.v1"
    example: ClassVar[dict[str, Any]] = {
        "organization_id": story.ORGANIZATION,
        "role": "grader",
        "deleted_at": "2025-09-05T10:02:18.377640Z",
    }

    role: str = Field(description="The role's name. It may be made anew, with other permissions.")
    deleted_at: AwareDatetime = Field(description="When it was deleted.")
