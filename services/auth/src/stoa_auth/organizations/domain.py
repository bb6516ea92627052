"""Rules of organizations, their members and invitations."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from stoa_auth.organizations.models import Invitation, Membership, Organization
from stoa_common.errors import Conflict, FieldError, Invalid, NotFound, TooManyRequests
from stoa_common.permissions import Role
from stoa_events.contracts.organizations import (
    Leaving,
    MemberJoined,
    MemberLeft,
    MemberResumed,
    MemberRolesChanged,
    MemberSuspended,
    OrganizationCreated,
    OrganizationRenamed,
    OrganizationResumed,
    OrganizationSuspended,
)

#: An organization's name is no personal field in its event, so a founder's own name is never taken for it.
DEFAULT_NAME: Final = "My organization"
#: Invitations by mail of one organization within an hour, to all and to one: they go out in the platform's name.
MOST_MAILED_AN_HOUR: Final = 200
MOST_TO_ONE_AN_HOUR: Final = 5
#: How long somebody who comes too late is told so.
INVITATIONS_KEPT: Final = timedelta(days=30)


class OrganizationIsUnknown(NotFound):
    """No such organization, or it is none of the caller's."""


class MemberIsUnknown(NotFound):
    """The organization has no such member."""


class AlreadyAMember(Conflict):
    """The person belongs to the organization already."""

    def __init__(self) -> None:
        super().__init__("This person is a member already. Change their roles instead.")


class OperatorsBelongNowhere(Conflict):
    """Operators stand above organizations, so none of these has them as members."""

    def __init__(self) -> None:
        super().__init__("An operator belongs to no organization. Use another account for this.")


class InvitationIsInvalid(Invalid):
    """The invitation can't be used: wrong, expired, used up, or somebody else's."""


class InvitationIsUnknown(NotFound):
    """The organization has no such invitation."""

    def __init__(self) -> None:
        super().__init__("Your organization has no such invitation, or it is over.")


class TooManyInvitations(TooManyRequests):
    """The organization has sent many invitations within the last hour."""

    def __init__(self) -> None:
        super().__init__(
            f"At most {MOST_MAILED_AN_HOUR} invitations go out by mail in an hour, {MOST_TO_ONE_AN_HOUR} of them to "
            "one address. Go on later, or make one invitation for many.",
            headers={"Retry-After": "3600"},
        )


class LastOwnerMustStay(Conflict):
    """The organization would be left without an owner who can act."""

    def __init__(self, organization_id: UUID) -> None:
        super().__init__(f"This is the only owner of organization {organization_id}. Make another member owner first.")


def unknown() -> OrganizationIsUnknown:
    return OrganizationIsUnknown("You belong to no such organization.")


def known(organization: Organization | None) -> Organization:
    """Raises OrganizationIsUnknown."""
    if organization is None:
        raise unknown()
    return organization


def own(organization_id: UUID, *, acting_for: UUID) -> None:
    """A token acts for one organization; any other does not exist for it. Raises OrganizationIsUnknown."""
    if organization_id != acting_for:
        raise unknown()


def member(membership: Membership | None) -> Membership:
    """Raises MemberIsUnknown."""
    if membership is None:
        raise MemberIsUnknown("The organization has no such member.")
    return membership


def found(organization: Organization) -> OrganizationCreated:
    return OrganizationCreated(
        organization_id=organization.id, name=organization.name, created_at=organization.created_at
    )


def rename(organization: Organization, name: str, *, at: datetime) -> OrganizationRenamed | None:
    """None where that is its name."""
    if organization.name == name:
        return None
    organization.name = name
    return OrganizationRenamed(organization_id=organization.id, name=name, renamed_at=at)


def suspend(organization: Organization, *, at: datetime) -> OrganizationSuspended | None:
    """None where it is suspended already."""
    if organization.suspended_at is not None:
        return None
    organization.suspended_at = at
    return OrganizationSuspended(organization_id=organization.id, suspended_at=at)


def resume(organization: Organization, *, at: datetime) -> OrganizationResumed | None:
    """None where it is not suspended."""
    if organization.suspended_at is None:
        return None
    organization.suspended_at = None
    return OrganizationResumed(organization_id=organization.id, resumed_at=at)


def join(membership: Membership) -> MemberJoined:
    return MemberJoined(
        organization_id=membership.organization_id,
        person_id=membership.person_id,
        roles=membership.roles,
        joined_at=membership.joined_at,
    )


def change_roles(membership: Membership, wanted: list[str], *, at: datetime) -> MemberRolesChanged | None:
    """Give a member these roles, all of them; None where they have them already."""
    if wanted == membership.roles:
        return None
    membership.roles = wanted
    return MemberRolesChanged(
        organization_id=membership.organization_id, person_id=membership.person_id, roles=wanted, changed_at=at
    )


def suspend_member(membership: Membership, *, at: datetime) -> MemberSuspended | None:
    """None where they are suspended already."""
    if membership.suspended_at is not None:
        return None
    membership.suspended_at = at
    return MemberSuspended(organization_id=membership.organization_id, person_id=membership.person_id, suspended_at=at)


def resume_member(membership: Membership, *, at: datetime) -> MemberResumed | None:
    """None where they are not suspended."""
    if membership.suspended_at is None:
        return None
    membership.suspended_at = None
    return MemberResumed(organization_id=membership.organization_id, person_id=membership.person_id, resumed_at=at)


def leave(membership: Membership, reason: Leaving, *, at: datetime) -> MemberLeft:
    return MemberLeft(
        organization_id=membership.organization_id, person_id=membership.person_id, reason=reason, left_at=at
    )


def is_acting_owner(membership: Membership) -> bool:
    """Whether they own the organization and can act for it: somebody does, always."""
    return Role.OWNER in membership.roles and membership.suspended_at is None


def keep_an_owner(membership: Membership, *, owners: Sequence[UUID]) -> None:
    """Refuse to take away the last of these owners who can act. Raises LastOwnerMustStay."""
    if is_acting_owner(membership) and not set(owners) - {membership.person_id}:
        raise LastOwnerMustStay(membership.organization_id)


def make_room(mailed: int, *, to_them: int) -> None:
    """Refuse another mail where so many went out, so many of them there. Raises TooManyInvitations."""
    if mailed >= MOST_MAILED_AN_HOUR or to_them >= MOST_TO_ONE_AN_HOUR:
        raise TooManyInvitations


def check(invitation: Invitation | None, *, at: datetime) -> Invitation:
    """An invitation that still admits somebody. Raises InvitationIsInvalid, which says what is wrong with it."""
    if invitation is None:
        raise invalid("This invitation does not exist. Ask for a new one.")
    if invitation.expires_at <= at:
        raise invalid("This invitation has expired. Ask for a new one.")
    if invitation.uses >= invitation.max_uses:
        raise invalid("This invitation has been used up. Ask for a new one.")
    return invitation


def check_address(invitation: Invitation, email: str) -> None:
    """An invitation that was mailed to somebody is theirs alone. Raises InvitationIsInvalid."""
    if invitation.email is not None and invitation.email != email:
        raise invalid("This invitation was sent to another address. Use it with an account of that address.")


def invalid(message: str) -> InvitationIsInvalid:
    return InvitationIsInvalid(message, errors=[FieldError(field="invitation", message=message)])


def token_hash(token: str) -> bytes:
    """What is kept of an invitation's token: it has 256 random bits, so a plain SHA-256 is enough."""
    return hashlib.sha256(token.encode()).digest()
