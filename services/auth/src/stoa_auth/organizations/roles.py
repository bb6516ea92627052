"""Use cases of roles: what they allow, and the organization's own ones."""

from collections.abc import Collection, Iterable
from uuid import UUID

from stoa_auth.audit import service as audit
from stoa_auth.organizations import domain, powers
from stoa_auth.organizations.models import Membership, OrganizationRole
from stoa_auth.organizations.repository import (
    InvitationRepository,
    MembershipRepository,
    OrganizationRepository,
    RoleRepository,
)
from stoa_auth.organizations.schemas import RoleChangeIn, RoleIn, RoleOut
from stoa_auth.revocations import service as revocations
from stoa_common import clock, outbox, permissions
from stoa_common.database import Session
from stoa_common.pages import Page
from stoa_common.permissions import OF_EVERYBODY, Role
from stoa_common.security import Principal


async def permissions_of(session: Session, membership: Membership | None) -> frozenset[str]:
    """What the member's roles allow together; who belongs nowhere still has an account of their own."""
    if membership is None:
        return OF_EVERYBODY
    return await permissions_of_roles(session, membership.organization_id, membership.roles)


async def permissions_of_roles(session: Session, organization_id: UUID, names: Collection[str]) -> frozenset[str]:
    """What these roles allow together in the organization."""
    own = set(names).difference(powers.MEMBER_ROLES)
    found = await RoleRepository(session).list_named(organization_id, own) if own else ()
    return powers.permissions_of(names, {role.name: role.permissions for role in found})


async def hold_roles(session: Session, organization_id: UUID, names: Iterable[str]) -> list[str]:
    """The roles in their order, none of which is deleted before this transaction ends. Raises RoleIsUnknown."""
    wanted = list(names)
    own = set(wanted).difference(powers.MEMBER_ROLES)
    found = await RoleRepository(session).list_held(organization_id, own) if own else ()
    return powers.roles(wanted, [role.name for role in found])


async def require_grantable(
    session: Session, organization_id: UUID, names: Iterable[str], *, held: Iterable[str]
) -> list[str]:
    """The roles in their order, where who holds these permissions may give them to somebody.

    Raises RoleIsUnknown, PermissionIsLacking.
    """
    wanted = await hold_roles(session, organization_id, names)
    given = await permissions_of_roles(session, organization_id, wanted)
    powers.require_all(held, given - OF_EVERYBODY)
    return wanted


async def require_proof_to_give(
    session: Session, organization_id: UUID, names: Collection[str], *, caller: Principal
) -> None:
    """Whoever appoints somebody that appoints others has proved lately that it is them: no stolen session lasts by it.

    Raises AuthenticationIsTooOld.
    """
    if "member:write" in await permissions_of_roles(session, organization_id, names):
        caller.require_recent()


async def require_power_over(session: Session, membership: Membership, caller: Principal) -> None:
    """Nobody takes anything from a member who may do more than they; everybody from themselves.

    Raises PermissionIsLacking.
    """
    if membership.person_id != caller.person_id:
        theirs = await permissions_of(session, membership)
        powers.require_all(caller.permissions, theirs - OF_EVERYBODY)


async def list_role_names(session: Session, organization_id: UUID) -> list[str]:
    """The roles that members can have: those of all organizations, then its own."""
    own = await RoleRepository(session).list_of_organization(organization_id)
    return [*powers.MEMBER_ROLES, *(role.name for role in own)]


async def list_roles(session: Session, organization_id: UUID, *, caller: Principal) -> Page[RoleOut]:
    """Raises OrganizationIsUnknown."""
    domain.own(organization_id, acting_for=caller.organization_id)
    own = await RoleRepository(session).list_of_organization(organization_id)
    return Page(items=[*map(_common, powers.MEMBER_ROLES), *map(_shown, own)], next=None)


async def get_role(session: Session, organization_id: UUID, name: str, *, caller: Principal) -> RoleOut:
    """Raises OrganizationIsUnknown, RoleDoesNotExist."""
    domain.own(organization_id, acting_for=caller.organization_id)
    if name in powers.MEMBER_ROLES:
        return _common(name)
    return _shown(powers.own_role(await RoleRepository(session).find(organization_id, name), name))


async def create_role(session: Session, organization_id: UUID, wanted: RoleIn, *, caller: Principal) -> RoleOut:
    """Make a role of permissions that the caller has.

    Raises OrganizationIsUnknown, RoleExists, TooManyRoles, PermissionIsUnknown, PermissionIsLacking.
    """
    domain.own(organization_id, acting_for=caller.organization_id)
    domain.known(await OrganizationRepository(session).lock(organization_id))
    repository = RoleRepository(session)
    powers.make_room(wanted.name, [role.name for role in await repository.list_of_organization(organization_id)])
    at = clock.now()
    role = powers.new_role(organization_id, wanted.name, wanted.permissions, description=wanted.description, at=at)
    powers.require_all(caller.permissions, role.permissions)
    repository.add(role)
    outbox.add(session, powers.define(role))
    _note(session, "role.create", role, caller, before=None, after=role.permissions)
    return _shown(role)


async def change_role(
    session: Session, organization_id: UUID, name: str, wanted: RoleChangeIn, *, caller: Principal
) -> RoleOut:
    """Make a role of other permissions, or describe it otherwise; its holders' tokens are refused within a second.

    Raises OrganizationIsUnknown, RoleDoesNotExist, RoleIsNotYours, PermissionIsUnknown, PermissionIsLacking.
    """
    domain.own(organization_id, acting_for=caller.organization_id)
    # While nobody is issued a token by what the role has been.
    domain.known(await OrganizationRepository(session).lock(organization_id))
    role = powers.own_role(await RoleRepository(session).lock(organization_id, name), name)
    before = role.permissions
    powers.require_all(caller.permissions, {*before, *powers.made_of(wanted.permissions or ())})
    if not powers.change(role, wanted.permissions, wanted.description, at=clock.now()):
        return _shown(role)
    outbox.add(session, powers.define(role))
    _note(session, "role.change", role, caller, before=before, after=role.permissions)
    if role.permissions != before:
        await revocations.revoke_role(session, organization_id, name)
    return _shown(role)


async def delete_role(session: Session, organization_id: UUID, name: str, *, caller: Principal) -> None:
    """Raises OrganizationIsUnknown, RoleDoesNotExist, RoleIsNotYours, RoleIsHeld, PermissionIsLacking."""
    domain.own(organization_id, acting_for=caller.organization_id)
    repository, at = RoleRepository(session), clock.now()
    # Locked before its holders are counted: whoever gives it to somebody holds it.
    role = powers.own_role(await repository.lock(organization_id, name), name)
    powers.require_all(caller.permissions, role.permissions)
    holders = await MembershipRepository(session).count_holders(organization_id, name)
    invitations = await InvitationRepository(session).count_giving(organization_id, name, at=at)
    outbox.add(session, powers.release(role, holders=holders, invitations=invitations, at=at))
    _note(session, "role.delete", role, caller, before=role.permissions, after=None)
    await repository.remove(role)


def _note(
    session: Session,
    action: str,
    role: OrganizationRole,
    caller: Principal,
    *,
    before: list[str] | None,
    after: list[str] | None,
) -> None:
    audit.note(
        session,
        action,
        actor=caller.person_id,
        organization_id=role.organization_id,
        target=role.name,
        before=None if before is None else {"permissions": before},
        after=None if after is None else {"permissions": after},
    )


def _common(name: str) -> RoleOut:
    allowed = sorted(permissions.of_roles([name]))
    return RoleOut(name=name, description=powers.DESCRIPTIONS[Role(name)], permissions=allowed, is_own=False)


def _shown(role: OrganizationRole) -> RoleOut:
    return RoleOut(name=role.name, description=role.description, permissions=role.permissions, is_own=True)
