"""Use cases of organizations."""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from stoa_auth.audit import service as audit
from stoa_auth.organizations import domain
from stoa_auth.organizations.models import Invitation, Membership, Organization
from stoa_auth.organizations.repository import InvitationRepository, MembershipRepository, OrganizationRepository
from stoa_auth.organizations.schemas import InvitationIn, InvitationOut, MemberOut, OrganizationOut
from stoa_auth.people import service as people
from stoa_auth.revocations import service as revocations
from stoa_common import clock, outbox, permissions
from stoa_common.database import Session
from stoa_common.ids import new_id
from stoa_common.pages import Page, PageQuery
from stoa_common.permissions import Role
from stoa_common.security import Principal

__all__ = [
    "Invitation",
    "Membership",
    "change_roles",
    "check_leaving",
    "find_membership",
    "found_organization",
    "get_organization",
    "invite",
    "join_by_invitation",
    "list_members",
    "list_memberships",
    "list_organizations",
    "list_own_names",
    "open_invitation",
    "permissions_of",
]
SEES_PERSONAL_DATA = "person:read"


async def list_organizations(session: Session, caller: Principal, window: PageQuery) -> Page[OrganizationOut]:
    """The caller's organizations; all of them for an operator."""
    found, following = await OrganizationRepository(session).list_visible(caller, window)
    mine = {m.organization_id: m for m in await MembershipRepository(session).list_of_person(caller.person_id)}
    return Page(items=[_shown(organization, mine.get(organization.id)) for organization in found], next=following)


async def get_organization(session: Session, organization_id: UUID, *, caller: Principal) -> OrganizationOut:
    """Raises OrganizationIsUnknown, to strangers too."""
    found = await OrganizationRepository(session).find_visible(organization_id, caller)
    if found is None:
        raise domain.unknown()
    return _shown(found, await MembershipRepository(session).find(organization_id, caller.person_id))


def _shown(organization: Organization, membership: Membership | None) -> OrganizationOut:
    return OrganizationOut(
        id=organization.id,
        name=organization.name,
        created_at=organization.created_at,
        roles=membership.roles if membership else [],
    )


async def found_organization(session: Session, founder_id: UUID, *, name: str | None) -> None:
    """Make an organization of the person's own; they are its admin."""
    at = clock.now()
    organization = Organization(id=new_id(), name=name or domain.DEFAULT_NAME, created_at=at)
    session.add(organization)
    await session.flush()
    outbox.add(session, domain.found(organization))
    audit.note(session, "organization.found", actor=founder_id, organization_id=organization.id, target=organization.id)
    _join(session, organization.id, founder_id, roles=[Role.ADMIN])


async def open_invitation(session: Session, token: str) -> Invitation:
    """The invitation, held for this transaction. Raises InvitationIsInvalid."""
    found = await InvitationRepository(session).lock_by_hash(_hash(token))
    return domain.check(found, at=clock.now())


def join_by_invitation(session: Session, invitation: Invitation, *, person_id: UUID) -> None:
    """Make the person a member with the invitation's roles, and count the use."""
    invitation.uses += 1
    _join(session, invitation.organization_id, person_id, roles=invitation.roles)


def _join(session: Session, organization_id: UUID, person_id: UUID, *, roles: Iterable[str]) -> None:
    membership = Membership(
        organization_id=organization_id, person_id=person_id, roles=domain.roles(roles), joined_at=clock.now()
    )
    session.add(membership)
    outbox.add(session, domain.join(membership))
    granted = {"roles": membership.roles}
    audit.note(
        session, "member.join", actor=person_id, organization_id=organization_id, target=person_id, after=granted
    )


async def invite(
    session: Session, organization_id: UUID, wanted: InvitationIn, *, caller: Principal, needs_verified_email: bool
) -> InvitationOut:
    """Make an invitation; its token is answered this once, and kept as a hash.

    Raises OrganizationIsUnknown, RoleIsUnknown, PersonIsUnknown, EmailIsNotVerified.
    """
    domain.own(organization_id, acting_for=caller.organization_id)
    # A token outlives by some minutes the person who was erased.
    await people.lock_person(session, caller.person_id)
    if needs_verified_email:
        await people.require_verified(session, caller.person_id)
    at = clock.now()
    token = secrets.token_urlsafe(32)
    invitation = Invitation(
        id=new_id(),
        organization_id=organization_id,
        token_hash=_hash(token),
        roles=domain.roles(wanted.roles),
        max_uses=wanted.max_uses,
        uses=0,
        created_by=caller.person_id,
        created_at=at,
        expires_at=at + timedelta(hours=wanted.expires_in_hours),
    )
    session.add(invitation)
    granted = {"roles": invitation.roles, "max_uses": invitation.max_uses, "expires_at": invitation.expires_at}
    audit.note(
        session,
        "member.invite",
        actor=caller.person_id,
        organization_id=organization_id,
        target=invitation.id,
        after=granted,
    )
    return _with_token(invitation, token)


def _with_token(invitation: Invitation, token: str) -> InvitationOut:
    return InvitationOut(
        id=invitation.id,
        organization_id=invitation.organization_id,
        token=token,
        roles=invitation.roles,
        max_uses=invitation.max_uses,
        expires_at=invitation.expires_at,
    )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


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
    """Give a member exactly these roles.

    Raises OrganizationIsUnknown, MemberIsUnknown, RoleIsUnknown, LastAdminMustStay.
    """
    domain.own(organization_id, acting_for=caller.organization_id)
    # Before the organization, as whoever is erased does; and no token is issued meanwhile by what they were.
    await people.find_and_lock_person(session, person_id)
    await OrganizationRepository(session).lock([organization_id])
    members = await MembershipRepository(session).list_of_organization(organization_id)
    member = domain.pick(members, person_id)
    before = {"roles": member.roles}
    changed = domain.change_roles(member, roles, members=members, at=clock.now())
    if changed is not None:
        outbox.add(session, changed)
        audit.note(
            session,
            "member.change-roles",
            actor=caller.person_id,
            organization_id=organization_id,
            subject=person_id,
            before=before,
            after={"roles": changed.roles},
        )
        await revocations.revoke_member(session, person_id, organization_id=organization_id)
    return (await _described(session, [member], caller=caller))[0]


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
    )


async def list_own_names(session: Session, person_id: UUID) -> Sequence[str]:
    """Names of the organizations that the person belongs to."""
    return await OrganizationRepository(session).list_names(person_id)


async def list_memberships(session: Session, person_id: UUID) -> Sequence[Membership]:
    """The memberships by which the person acts now, the oldest first: neither they nor the organization suspended."""
    return await MembershipRepository(session).list_active(person_id)


async def find_membership(session: Session, organization_id: UUID, *, person_id: UUID) -> Membership | None:
    """The membership by which the person acts for the organization now; None for strangers and the suspended."""
    return await MembershipRepository(session).find_active(organization_id, person_id)


async def permissions_of(session: Session, membership: Membership | None) -> frozenset[str]:  # noqa: ARG001
    """What the member's roles allow together; nothing for who is none."""
    return permissions.of_roles(membership.roles) if membership else frozenset()


async def check_leaving(session: Session, person_id: UUID) -> None:
    """Refuse where the person is the only admin of others; nobody joins meanwhile. Raises LastAdminMustStay."""
    repository = MembershipRepository(session)
    mine = await repository.list_of_person(person_id)
    organization_ids = [membership.organization_id for membership in mine]
    await InvitationRepository(session).lock_of_organizations(organization_ids)
    await OrganizationRepository(session).lock(organization_ids)
    for membership in mine:
        members = await repository.list_of_organization(membership.organization_id)
        domain.leave(membership, members=members)
