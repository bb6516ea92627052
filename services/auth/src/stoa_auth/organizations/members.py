"""Use cases of members for those who look after them: nobody gives or takes what they lack themselves."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from stoa_auth.organizations import domain, memberships
from stoa_auth.organizations.models import Membership
from stoa_auth.organizations.repository import MembershipRepository
from stoa_auth.organizations.roles import require_grantable, require_power_over, require_proof_to_give
from stoa_auth.organizations.schemas import MemberOut
from stoa_auth.people import service as people
from stoa_common.database import Session
from stoa_common.pages import Page, PageQuery
from stoa_common.security import Principal

SEES_PERSONAL_DATA = "person:read"


async def list_members(
    session: Session, organization_id: UUID, window: PageQuery, *, caller: Principal
) -> Page[MemberOut]:
    """Who belongs to the organization. Raises OrganizationIsUnknown."""
    domain.own(organization_id, acting_for=caller.organization_id)
    members, following = await MembershipRepository(session).page_of_organization(organization_id, window)
    return Page(items=await _described(session, members, caller=caller), next=following)


async def change_roles(
    session: Session, organization_id: UUID, person_id: UUID, roles: Iterable[str], *, caller: Principal
) -> MemberOut:
    """Give a member exactly these roles, where the caller may do all that these allow and all that they had.

    Raises OrganizationIsUnknown, MemberIsUnknown, RoleIsUnknown, PermissionIsLacking, LastOwnerMustStay,
    AuthenticationIsTooOld.
    """
    await _lock_for(session, organization_id, person_id, caller)
    wanted = await require_grantable(session, organization_id, roles, held=caller.permissions)
    await require_proof_to_give(session, organization_id, wanted, caller=caller)
    changed = await memberships.set_member_roles(session, organization_id, person_id, wanted, actor=caller.person_id)
    return (await _described(session, [changed], caller=caller))[0]


async def suspend_member(session: Session, organization_id: UUID, person_id: UUID, *, caller: Principal) -> MemberOut:
    """Raises OrganizationIsUnknown, MemberIsUnknown, PermissionIsLacking, LastOwnerMustStay."""
    await _lock_for(session, organization_id, person_id, caller)
    suspended = await memberships.suspend_member(session, organization_id, person_id, actor=caller.person_id)
    return (await _described(session, [suspended], caller=caller))[0]


async def resume_member(session: Session, organization_id: UUID, person_id: UUID, *, caller: Principal) -> MemberOut:
    """Raises OrganizationIsUnknown, MemberIsUnknown, PermissionIsLacking."""
    await _lock_for(session, organization_id, person_id, caller)
    resumed = await memberships.resume_member(session, organization_id, person_id, actor=caller.person_id)
    return (await _described(session, [resumed], caller=caller))[0]


async def remove_member(session: Session, organization_id: UUID, person_id: UUID, *, caller: Principal) -> None:
    """Raises OrganizationIsUnknown, MemberIsUnknown, PermissionIsLacking, LastOwnerMustStay."""
    await _lock_for(session, organization_id, person_id, caller)
    await memberships.remove_member(session, organization_id, person_id, actor=caller.person_id)


async def leave(session: Session, organization_id: UUID, *, caller: Principal) -> None:
    """Leave an organization of one's own. Raises OrganizationIsUnknown, LastOwnerMustStay."""
    try:
        await memberships.remove_member(session, organization_id, caller.person_id, actor=caller.person_id)
    except domain.MemberIsUnknown:
        raise domain.unknown() from None


async def _lock_for(session: Session, organization_id: UUID, person_id: UUID, caller: Principal) -> None:
    domain.own(organization_id, acting_for=caller.organization_id)
    await require_power_over(session, await memberships.lock_member(session, organization_id, person_id), caller)


async def _described(session: Session, members: Sequence[Membership], *, caller: Principal) -> list[MemberOut]:
    """Members with their names and addresses, where the caller may know these."""
    may_know = SEES_PERSONAL_DATA in caller.permissions
    known = await people.describe_people(session, [m.person_id for m in members]) if may_know else {}
    return [_member(member, known.get(member.person_id)) for member in members]


def _member(membership: Membership, person: people.Person | None) -> MemberOut:
    return MemberOut(
        person_id=membership.person_id,
        email=person.email if person else None,
        name=person.name if person else None,
        roles=membership.roles,
        joined_at=membership.joined_at,
        suspended_at=membership.suspended_at,
    )
