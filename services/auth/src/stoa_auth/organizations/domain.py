"""Rules of organizations, memberships and invitations."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from stoa_auth.organizations.models import Invitation, Membership, Organization
from stoa_common.errors import Conflict, Invalid, NotFound
from stoa_common.permissions import Role
from stoa_events.contracts.auth import MemberJoined, MemberRolesChanged, OrganizationCreated

#: What a member can be. Operators stand above organizations and are never made through one.
MEMBER_ROLES = tuple(str(role) for role in Role if role is not Role.OPERATOR)
#: An organization's name is no personal field in its event, so a founder's own name is never taken for it.
DEFAULT_NAME = "My organization"


class OrganizationIsUnknown(NotFound):
    """No such organization, or it is none of the caller's."""


class MemberIsUnknown(NotFound):
    """The organization has no such member."""


class RoleIsUnknown(Invalid):
    """A role was named that members can't have."""


class InvitationIsInvalid(Invalid):
    """The invitation can't be used: wrong, expired or used up."""


class LastAdminMustStay(Conflict):
    """The organization would be left without an admin."""


def roles(names: Iterable[str]) -> list[str]:
    """The roles in their fixed order, each once. Raises RoleIsUnknown."""
    wanted = set(names)
    unknown = sorted(wanted.difference(MEMBER_ROLES))
    if unknown or not wanted:
        known = ", ".join(MEMBER_ROLES)
        message = f"{', '.join(unknown)}: unknown." if unknown else "No role was given."
        raise RoleIsUnknown(f"{message} Choose from {known}.", errors=[{"field": "roles", "message": message}])
    return [role for role in MEMBER_ROLES if role in wanted]


def unknown() -> OrganizationIsUnknown:
    return OrganizationIsUnknown("You belong to no such organization.")


def own(organization_id: UUID, *, acting_for: UUID) -> None:
    """A token acts for one organization; any other does not exist for it. Raises OrganizationIsUnknown."""
    if organization_id != acting_for:
        raise unknown()


def pick(members: Iterable[Membership], person_id: UUID) -> Membership:
    """The member who is this person. Raises MemberIsUnknown."""
    for member in members:
        if member.person_id == person_id:
            return member
    raise MemberIsUnknown("The organization has no such member.")


def found(organization: Organization) -> OrganizationCreated:
    return OrganizationCreated(
        organization_id=organization.id, name=organization.name, created_at=organization.created_at
    )


def join(membership: Membership) -> MemberJoined:
    return MemberJoined(
        organization_id=membership.organization_id,
        person_id=membership.person_id,
        roles=membership.roles,
        joined_at=membership.joined_at,
    )


def check(invitation: Invitation | None, *, at: datetime) -> Invitation:
    """An invitation that still admits somebody. Raises InvitationIsInvalid, which says what is wrong with it."""
    if invitation is None:
        raise _invalid("This invitation does not exist. Ask for a new one.")
    if invitation.expires_at <= at:
        raise _invalid("This invitation has expired. Ask for a new one.")
    if invitation.uses >= invitation.max_uses:
        raise _invalid("This invitation has been used up. Ask for a new one.")
    return invitation


def _invalid(message: str) -> InvitationIsInvalid:
    return InvitationIsInvalid(message, errors=[{"field": "invitation", "message": message}])


def change_roles(
    membership: Membership, names: Iterable[str], *, members: Sequence[Membership], at: datetime
) -> MemberRolesChanged | None:
    """Give a member these roles, all of them; None where they have them already.

    `members` is everybody in the organization. Raises RoleIsUnknown, LastAdminMustStay.
    """
    wanted = roles(names)
    if wanted == membership.roles:
        return None
    if Role.ADMIN not in wanted and is_last_admin(membership, members=members):
        raise LastAdminMustStay("This is the only admin. Make somebody else an admin first.")

    membership.roles = wanted
    return MemberRolesChanged(
        organization_id=membership.organization_id, person_id=membership.person_id, roles=wanted, changed_at=at
    )


def leave(membership: Membership, *, members: Sequence[Membership]) -> None:
    """Refuse to let the only admin leave others behind. Raises LastAdminMustStay."""
    if len(members) > 1 and is_last_admin(membership, members=members):
        raise LastAdminMustStay(
            f"You are the only admin of organization {membership.organization_id}. Make another member an admin first."
        )


def is_last_admin(membership: Membership, *, members: Sequence[Membership]) -> bool:
    return [member.person_id for member in members if Role.ADMIN in member.roles] == [membership.person_id]
