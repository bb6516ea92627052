"""Use cases of an organization's policies: how its members have to log in."""

from collections.abc import Collection
from uuid import UUID

from stoa_auth.audit import service as audit
from stoa_auth.organizations import domain
from stoa_auth.organizations.repository import OrganizationRepository
from stoa_auth.revocations import service as revocations
from stoa_common.database import Session


async def get_sign_on_policy(session: Session, organization_id: UUID) -> bool:
    """Whether only who signed on by the organization's provider acts for it. Raises OrganizationIsUnknown."""
    return domain.known(await OrganizationRepository(session).find(organization_id)).requires_sign_on


async def list_sign_on_policies(session: Session, organization_ids: Collection[UUID]) -> dict[UUID, bool]:
    """The same of each of these that is not suspended; nobody acts for the others, however they log in."""
    acting = await OrganizationRepository(session).list_acting(organization_ids)
    return {organization.id: organization.requires_sign_on for organization in acting}


async def set_sign_on_policy(session: Session, organization_id: UUID, *, is_required: bool, actor: UUID) -> None:
    """Admit only who signed on, or others again; what was issued to anybody is refused, and told apart at a refresh.

    Owners log in as before, so that nobody is locked out for good. Raises OrganizationIsUnknown.
    """
    organization = domain.known(await OrganizationRepository(session).lock(organization_id))
    if organization.requires_sign_on is is_required:
        return
    organization.requires_sign_on = is_required
    action = "organization.require-sign-on" if is_required else "organization.admit-without-sign-on"
    audit.note(session, action, actor=actor, organization_id=organization_id, target=organization_id)
    await revocations.revoke_organization(session, organization_id)
