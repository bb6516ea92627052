"""Use cases of invitations: make, see and revoke them, and join by one.

An invitation is worth what its maker is worth when it is used: it ends with their membership, and gives no role that
they could not give any more.
"""

import secrets
from datetime import timedelta
from uuid import UUID

from stoa_auth.audit import service as audit
from stoa_auth.mail import service as mail
from stoa_auth.mail.service import Asked, MailSealer
from stoa_auth.organizations import domain, powers
from stoa_auth.organizations.memberships import add_member
from stoa_auth.organizations.models import Invitation, Membership
from stoa_auth.organizations.repository import InvitationRepository, MembershipRepository, OrganizationRepository
from stoa_auth.organizations.roles import permissions_of, require_grantable, require_proof_to_give
from stoa_auth.organizations.schemas import InvitationIn, InvitationOut, OpenInvitationOut
from stoa_auth.people import service as people
from stoa_common import clock
from stoa_common.database import Session
from stoa_common.ids import new_id
from stoa_common.pages import Page, PageQuery
from stoa_common.security import Principal

INVITES = "member:write"
SEES_PERSONAL_DATA = "person:read"


async def invite(
    session: Session,
    organization_id: UUID,
    wanted: InvitationIn,
    *,
    caller: Principal,
    needs_verified_email: bool,
    sealer: MailSealer,
    accepted_languages: str | None,
) -> InvitationOut:
    """Make an invitation; its token is answered this once, or mailed, and kept as a hash.

    Raises OrganizationIsUnknown, RoleIsUnknown, PermissionIsLacking, PersonIsUnknown, EmailIsNotVerified,
    TooManyInvitations, AuthenticationIsTooOld.
    """
    domain.own(organization_id, acting_for=caller.organization_id)
    # A token outlives by some minutes the person who was erased.
    await people.lock_person(session, caller.person_id)
    if needs_verified_email:
        await people.require_verified(session, caller.person_id)
    roles = await require_grantable(session, organization_id, wanted.roles, held=caller.permissions)
    await require_proof_to_give(session, organization_id, roles, caller=caller)
    await _make_room(session, organization_id, wanted.email)
    token = secrets.token_urlsafe(32)
    invitation = _new(organization_id, wanted, roles, token, maker=caller.person_id)
    InvitationRepository(session).add(invitation)
    if wanted.email is not None:
        await _send(session, invitation, token, sealer=sealer, languages=wanted.language or accepted_languages)
    _note_made(session, invitation)
    return _with_token(invitation, None if wanted.email else token)


async def _make_room(session: Session, organization_id: UUID, email: str | None) -> None:
    """Forget what has long been over, and end what the address was sent before. Raises TooManyInvitations."""
    repository, at = InvitationRepository(session), clock.now()
    await repository.forget_old(before=at - domain.INVITATIONS_KEPT)
    if email is None:
        return
    since = at - timedelta(hours=1)
    mailed = await repository.count_mailed(organization_id, since=since)
    domain.make_room(mailed, to_them=await repository.count_mailed(organization_id, to=email, since=since))
    await repository.revoke_of_address(organization_id, email, at=at)


def _new(organization_id: UUID, wanted: InvitationIn, roles: list[str], token: str, *, maker: UUID) -> Invitation:
    at = clock.now()
    return Invitation(
        id=new_id(),
        organization_id=organization_id,
        token_hash=domain.token_hash(token),
        roles=roles,
        max_uses=wanted.max_uses,
        uses=0,
        created_by=maker,
        created_at=at,
        expires_at=at + timedelta(hours=wanted.expires_in_hours),
        email=wanted.email,
    )


async def _send(
    session: Session, invitation: Invitation, token: str, *, sealer: MailSealer, languages: str | None
) -> None:
    organization = domain.known(await OrganizationRepository(session).find(invitation.organization_id))
    mail.ask(
        session,
        Asked.INVITATION,
        to=invitation.email or "",
        sealer=sealer,
        accepted_languages=languages,
        token=token,
        organization=organization.name,
    )


def _note_made(session: Session, invitation: Invitation) -> None:
    granted = {
        "roles": invitation.roles,
        "max_uses": invitation.max_uses,
        "expires_at": invitation.expires_at,
        "is_mailed": invitation.email is not None,
    }
    audit.note(
        session,
        "member.invite",
        actor=invitation.created_by,
        organization_id=invitation.organization_id,
        target=invitation.id,
        after=granted,
    )


def _with_token(invitation: Invitation, token: str | None) -> InvitationOut:
    return InvitationOut(
        id=invitation.id,
        organization_id=invitation.organization_id,
        token=token,
        roles=invitation.roles,
        max_uses=invitation.max_uses,
        expires_at=invitation.expires_at,
    )


async def list_invitations(
    session: Session, organization_id: UUID, window: PageQuery, *, caller: Principal
) -> Page[OpenInvitationOut]:
    """Invitations that still admit somebody. Raises OrganizationIsUnknown."""
    domain.own(organization_id, acting_for=caller.organization_id)
    found, following = await InvitationRepository(session).page_open(organization_id, window, at=clock.now())
    sees = SEES_PERSONAL_DATA in caller.permissions
    return Page(items=[_shown(invitation, sees_address=sees) for invitation in found], next=following)


def _shown(invitation: Invitation, *, sees_address: bool) -> OpenInvitationOut:
    return OpenInvitationOut(
        id=invitation.id,
        roles=invitation.roles,
        is_mailed=invitation.email is not None,
        email=invitation.email if sees_address else None,
        max_uses=invitation.max_uses,
        uses=invitation.uses,
        created_by=invitation.created_by,
        created_at=invitation.created_at,
        expires_at=invitation.expires_at,
    )


async def revoke_invitation(session: Session, organization_id: UUID, invitation_id: UUID, *, caller: Principal) -> None:
    """Let nobody join by it any more. Raises OrganizationIsUnknown, InvitationIsUnknown."""
    domain.own(organization_id, acting_for=caller.organization_id)
    if not await InvitationRepository(session).revoke(organization_id, invitation_id, at=clock.now()):
        raise domain.InvitationIsUnknown
    audit.note(
        session,
        "invitation.revoke",
        actor=caller.person_id,
        organization_id=organization_id,
        target=invitation_id,
    )


async def open_invitation(session: Session, token: str, *, email: str) -> Invitation:
    """The invitation, for somebody of this address; held for this transaction. Raises InvitationIsInvalid."""
    found = await InvitationRepository(session).lock_by_hash(domain.token_hash(token))
    invitation = domain.check(found, at=clock.now())
    domain.check_address(invitation, email)
    await _check_maker(session, invitation)
    return invitation


async def _check_maker(session: Session, invitation: Invitation) -> None:
    maker = await MembershipRepository(session).find_active(invitation.organization_id, invitation.created_by)
    held = await permissions_of(session, maker)
    try:
        powers.require_all(held, [INVITES])
        await require_grantable(session, invitation.organization_id, invitation.roles, held=held)
    except (powers.PermissionIsLacking, powers.RoleIsUnknown):
        raise domain.invalid("Whoever made this invitation could not make it any more. Ask for a new one.") from None


async def join_by_invitation(session: Session, invitation: Invitation, *, person_id: UUID) -> Membership:
    """Make the person a member with the invitation's roles, and count the use. Raises AlreadyAMember."""
    joined = await add_member(session, invitation.organization_id, person_id, invitation.roles, actor=person_id)
    invitation.uses += 1
    return joined


async def accept(session: Session, token: str, *, caller: Principal) -> Membership:
    """Let the caller, who has an account, join by an invitation; one that was mailed needs their verified address.

    Raises InvitationIsInvalid, EmailIsNotVerified, AlreadyAMember, OperatorsBelongNowhere, PersonIsUnknown.
    """
    person = await people.lock_person(session, caller.person_id)
    invitation = await open_invitation(session, token, email=person.email)
    if invitation.email is not None:
        await people.require_verified(session, person.id)
    return await join_by_invitation(session, invitation, person_id=person.id)
