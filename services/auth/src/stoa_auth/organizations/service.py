"""Use cases of organizations; those of their members, roles and invitations are given from here, too.

For the other features: `add_member`, `set_member_roles`, `remove_member`, `suspend_member`, `resume_member` keep the
rules (an owner stays, roles exist), audit, record events and revoke tokens; whether the actor may is the caller's to
ask, by `require_grantable`. `actor` is None where a machine acts.
"""

from collections.abc import Sequence
from uuid import UUID

from stoa_auth.audit import service as audit
from stoa_auth.organizations import domain
from stoa_auth.organizations.domain import AlreadyAMember, InvitationIsUnknown, LastOwnerMustStay, MemberIsUnknown
from stoa_auth.organizations.invitations import (
    accept,
    invite,
    join_by_invitation,
    open_invitation,
    revoke_invitation,
)
from stoa_auth.organizations.memberships import (
    add_member,
    leave_everywhere,
    remove_member,
    resume_member,
    set_member_roles,
    suspend_member,
)
from stoa_auth.organizations.models import Invitation, Membership, Organization
from stoa_auth.organizations.policies import get_sign_on_policy, list_sign_on_policies, set_sign_on_policy
from stoa_auth.organizations.powers import PermissionIsLacking, RoleIsUnknown
from stoa_auth.organizations.repository import MembershipRepository, OrganizationRepository
from stoa_auth.organizations.roles import (
    list_role_names,
    permissions_of,
    permissions_of_roles,
    require_grantable,
    require_power_over,
)
from stoa_auth.organizations.schemas import InvitationIn, OrganizationOut
from stoa_auth.revocations import service as revocations
from stoa_common import clock, outbox
from stoa_common.database import Session
from stoa_common.ids import new_id
from stoa_common.pages import Page, PageQuery
from stoa_common.permissions import Role
from stoa_common.security import Principal

__all__ = [
    "AlreadyAMember",
    "Invitation",
    "InvitationIn",
    "InvitationIsUnknown",
    "LastOwnerMustStay",
    "MemberIsUnknown",
    "Membership",
    "Organization",
    "PermissionIsLacking",
    "RoleIsUnknown",
    "accept_invitation",
    "add_member",
    "find_membership",
    "found_organization",
    "get_organization",
    "get_sign_on_policy",
    "invite",
    "join_by_invitation",
    "leave_everywhere",
    "list_memberships",
    "list_organizations",
    "list_own_names",
    "list_role_names",
    "list_sign_on_policies",
    "open_invitation",
    "permissions_of",
    "permissions_of_roles",
    "remove_member",
    "rename_organization",
    "require_grantable",
    "require_power_over",
    "resume_member",
    "resume_organization",
    "revoke_invitation",
    "set_member_roles",
    "set_sign_on_policy",
    "suspend_member",
    "suspend_organization",
]


async def list_organizations(session: Session, caller: Principal, window: PageQuery) -> Page[OrganizationOut]:
    """The caller's organizations; all of them for an operator."""
    found, following = await OrganizationRepository(session).list_visible(caller, window)
    mine = {m.organization_id: m for m in await MembershipRepository(session).list_of_person(caller.person_id)}
    return Page(items=[_shown(organization, mine.get(organization.id)) for organization in found], next=following)


async def get_organization(session: Session, organization_id: UUID, *, caller: Principal) -> OrganizationOut:
    """Raises OrganizationIsUnknown, to strangers too."""
    found = domain.known(await OrganizationRepository(session).find_visible(organization_id, caller))
    return _shown(found, await MembershipRepository(session).find(organization_id, caller.person_id))


def _shown(organization: Organization, membership: Membership | None) -> OrganizationOut:
    return OrganizationOut(
        id=organization.id,
        name=organization.name,
        created_at=organization.created_at,
        suspended_at=organization.suspended_at,
        roles=membership.roles if membership else [],
    )


async def found_organization(session: Session, founder_id: UUID, *, name: str | None) -> Organization:
    """Make an organization of the person's own, whom the caller has locked or just made; they own it."""
    at = clock.now()
    organization = Organization(id=new_id(), name=name or domain.DEFAULT_NAME, created_at=at)
    session.add(organization)
    await session.flush()
    outbox.add(session, domain.found(organization))
    audit.note(session, "organization.found", actor=founder_id, organization_id=organization.id, target=organization.id)
    await add_member(session, organization.id, founder_id, [Role.OWNER], actor=founder_id)
    return organization


async def accept_invitation(session: Session, token: str, *, caller: Principal) -> OrganizationOut:
    """The organization that the caller, who has an account, belongs to from now on.

    Raises InvitationIsInvalid, EmailIsNotVerified, AlreadyAMember, OperatorsBelongNowhere, PersonIsUnknown.
    """
    joined = await accept(session, token, caller=caller)
    organization = domain.known(await OrganizationRepository(session).find(joined.organization_id))
    return _shown(organization, joined)


async def rename_organization(
    session: Session, organization_id: UUID, name: str, *, caller: Principal
) -> OrganizationOut:
    """Raises OrganizationIsUnknown."""
    domain.own(organization_id, acting_for=caller.organization_id)
    organization = domain.known(await OrganizationRepository(session).lock(organization_id))
    before = {"name": organization.name}
    renamed = domain.rename(organization, name, at=clock.now())
    if renamed is not None:
        outbox.add(session, renamed)
        audit.note(
            session,
            "organization.rename",
            actor=caller.person_id,
            organization_id=organization_id,
            target=organization_id,
            before=before,
            after={"name": name},
        )
    return _shown(organization, await MembershipRepository(session).find(organization_id, caller.person_id))


async def suspend_organization(session: Session, organization_id: UUID, *, actor: UUID | None) -> Organization:
    """Let nobody act for the organization until it is resumed; whether the actor may is the caller's to ask.

    Raises OrganizationIsUnknown.
    """
    # While nobody is issued a token for it.
    organization = domain.known(await OrganizationRepository(session).lock(organization_id))
    suspended = domain.suspend(organization, at=clock.now())
    if suspended is not None:
        outbox.add(session, suspended)
        _note_state(session, "organization.suspend", organization_id, actor)
        await revocations.revoke_organization(session, organization_id)
    return organization


async def resume_organization(session: Session, organization_id: UUID, *, actor: UUID | None) -> Organization:
    """Let its members act for the organization again. Raises OrganizationIsUnknown."""
    organization = domain.known(await OrganizationRepository(session).lock(organization_id))
    resumed = domain.resume(organization, at=clock.now())
    if resumed is not None:
        outbox.add(session, resumed)
        _note_state(session, "organization.resume", organization_id, actor)
    return organization


def _note_state(session: Session, action: str, organization_id: UUID, actor: UUID | None) -> None:
    audit.note(session, action, actor=actor, organization_id=organization_id, target=organization_id)


def describe(organization: Organization) -> OrganizationOut:
    """As it is shown to who is no member."""
    return _shown(organization, None)


async def list_own_names(session: Session, person_id: UUID) -> Sequence[str]:
    """Names of the organizations that the person belongs to."""
    return await OrganizationRepository(session).list_names(person_id)


async def list_memberships(session: Session, person_id: UUID, *, signed_on: bool = True) -> Sequence[Membership]:
    """The memberships by which the person acts now, the oldest first: neither they nor the organization suspended.

    `signed_on=False`: without those of organizations that admit only who signed on by their provider.
    They hold until this transaction ends, where the caller holds the person.
    """
    return await MembershipRepository(session).list_active(person_id, signed_on=signed_on)


async def find_membership(
    session: Session, organization_id: UUID, *, person_id: UUID, signed_on: bool = True
) -> Membership | None:
    """The membership by which the person acts for the organization now; None for strangers and the suspended.

    It holds until this transaction ends, where the caller holds the person.
    """
    return await MembershipRepository(session).find_active(organization_id, person_id, signed_on=signed_on)
