"""Use cases of memberships, whoever asks: who joins, leaves, is suspended, and is what.

Whoever changes a membership has locked its person, so that no token is issued meanwhile by what it said; and the last
owner who can act is kept while the organization's owners are locked.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from stoa_auth.audit import service as audit
from stoa_auth.organizations import domain
from stoa_auth.organizations.models import Membership
from stoa_auth.organizations.repository import InvitationRepository, MembershipRepository, OrganizationRepository
from stoa_auth.organizations.roles import hold_roles
from stoa_auth.people import service as people
from stoa_auth.revocations import service as revocations
from stoa_common import clock, outbox
from stoa_common.database import Session
from stoa_common.permissions import Role
from stoa_events.contracts.organizations import Leaving


async def add_member(
    session: Session, organization_id: UUID, person_id: UUID, roles: Iterable[str], *, actor: UUID | None
) -> Membership:
    """Make a person, whom the caller has locked or just made, a member; whether the actor may is the caller's to ask.

    Raises AlreadyAMember, RoleIsUnknown, OperatorsBelongNowhere, PersonIsUnknown.
    """
    if (await people.get_person(session, person_id)).operator:
        raise domain.OperatorsBelongNowhere
    await OrganizationRepository(session).hold_owners(organization_id)
    repository = MembershipRepository(session)
    if await repository.find(organization_id, person_id) is not None:
        raise domain.AlreadyAMember
    wanted = await hold_roles(session, organization_id, roles)
    membership = Membership(organization_id=organization_id, person_id=person_id, roles=wanted, joined_at=clock.now())
    repository.add(membership)
    outbox.add(session, domain.join(membership))
    _note(session, "member.join", membership, actor, after={"roles": wanted})
    return membership


async def set_member_roles(
    session: Session, organization_id: UUID, person_id: UUID, roles: Iterable[str], *, actor: UUID | None
) -> Membership:
    """Give a member exactly these roles; whether the actor may is the caller's to ask.

    Raises MemberIsUnknown, RoleIsUnknown, LastOwnerMustStay.
    """
    membership = await lock_member(session, organization_id, person_id)
    wanted, before = await hold_roles(session, organization_id, roles), membership.roles
    if Role.OWNER not in wanted:
        await _keep_an_owner(session, membership)
    changed = domain.change_roles(membership, wanted, at=clock.now())
    if changed is not None:
        outbox.add(session, changed)
        _note(session, "member.change-roles", membership, actor, before={"roles": before}, after={"roles": wanted})
        await revocations.revoke_member(session, person_id, organization_id=organization_id)
    return membership


async def remove_member(session: Session, organization_id: UUID, person_id: UUID, *, actor: UUID | None) -> None:
    """Let a person be a member no more; whether the actor may is the caller's to ask.

    Raises MemberIsUnknown, LastOwnerMustStay.
    """
    membership = await lock_member(session, organization_id, person_id)
    await _keep_an_owner(session, membership)
    reason = Leaving.LEFT if actor == person_id else Leaving.REMOVED
    outbox.add(session, domain.leave(membership, reason, at=clock.now()))
    action = "member.leave" if reason is Leaving.LEFT else "member.remove"
    _note(session, action, membership, actor, before={"roles": membership.roles})
    await MembershipRepository(session).remove(membership)
    await revocations.revoke_member(session, person_id, organization_id=organization_id)


async def suspend_member(session: Session, organization_id: UUID, person_id: UUID, *, actor: UUID | None) -> Membership:
    """Let a member not act for the organization until they are resumed; whether the actor may is the caller's to ask.

    Raises MemberIsUnknown, LastOwnerMustStay.
    """
    membership = await lock_member(session, organization_id, person_id)
    await _keep_an_owner(session, membership)
    suspended = domain.suspend_member(membership, at=clock.now())
    if suspended is not None:
        outbox.add(session, suspended)
        _note(session, "member.suspend", membership, actor)
        await revocations.revoke_member(session, person_id, organization_id=organization_id)
    return membership


async def resume_member(session: Session, organization_id: UUID, person_id: UUID, *, actor: UUID | None) -> Membership:
    """Let a member act again; whether the actor may is the caller's to ask. Raises MemberIsUnknown."""
    membership = await lock_member(session, organization_id, person_id)
    resumed = domain.resume_member(membership, at=clock.now())
    if resumed is not None:
        outbox.add(session, resumed)
        _note(session, "member.resume", membership, actor)
    return membership


async def leave_everywhere(session: Session, person_id: UUID) -> None:
    """Part with all organizations of a person who is being erased, and whom the caller has locked.

    An organization where they were alone stays behind without anybody. Raises LastOwnerMustStay where the person is
    the only owner of others. The rows go with the person's other ones, by `privacy.erase`.
    """
    repository, invitations = MembershipRepository(session), InvitationRepository(session)
    mine = sorted(await repository.list_of_person(person_id), key=lambda m: m.organization_id)
    # Before the owners, as whoever joins by an invitation does: both go with the inviter.
    await invitations.lock_of_organizations([membership.organization_id for membership in mine])
    for membership in mine:
        await OrganizationRepository(session).lock_owners(membership.organization_id)
        if await repository.has_others(membership.organization_id, person_id):
            await _keep_an_owner(session, membership)
        outbox.add(session, domain.leave(membership, Leaving.ERASED, at=clock.now()))
        _note(session, "member.leave", membership, person_id)
    await invitations.forget_of_address((await people.get_person(session, person_id)).email)


async def lock_member(session: Session, organization_id: UUID, person_id: UUID) -> Membership:
    """The membership, which nobody else changes before this transaction ends. Raises MemberIsUnknown."""
    await people.find_and_lock_person(session, person_id)
    return domain.member(await MembershipRepository(session).find(organization_id, person_id))


async def _keep_an_owner(session: Session, membership: Membership) -> None:
    """Call this before what would make them no owner. Raises LastOwnerMustStay."""
    if domain.is_acting_owner(membership):
        await OrganizationRepository(session).lock_owners(membership.organization_id)
        owners = await MembershipRepository(session).list_owners(membership.organization_id)
        domain.keep_an_owner(membership, owners=owners)


def _note(
    session: Session,
    action: str,
    membership: Membership,
    actor: UUID | None,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    audit.note(
        session,
        action,
        actor=actor,
        organization_id=membership.organization_id,
        target=membership.person_id,
        subject=membership.person_id,
        before=before,
        after=after,
    )
