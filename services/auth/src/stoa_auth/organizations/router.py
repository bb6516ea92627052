"""Organizations over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import status

from stoa_auth.organizations import service
from stoa_auth.organizations.schemas import InvitationIn, InvitationOut, MemberOut, OrganizationOut, RolesIn
from stoa_auth.settings import Settings
from stoa_common.database import SessionDep
from stoa_common.http import Router, require
from stoa_common.pages import Page, PageQuery
from stoa_common.resources import resource
from stoa_common.security import Caller

SettingsDep = Annotated[Settings, resource(Settings)]
router = Router(prefix="/api/v1/auth/organizations", tags=["organizations"])


@router.get("", response_model=Page[OrganizationOut], **require("account:read"))
async def list_organizations(session: SessionDep, caller: Caller, window: PageQuery) -> Page[OrganizationOut]:
    """The organizations that the caller belongs to; every organization for an operator."""
    return await service.list_organizations(session, caller, window)


@router.get("/{organization_id}", response_model=OrganizationOut, **require("account:read"))
async def get_organization(organization_id: UUID, session: SessionDep, caller: Caller) -> OrganizationOut:
    """One organization that the caller belongs to; any for an operator."""
    return await service.get_organization(session, organization_id, caller=caller)


@router.post(
    "/{organization_id}/invitations",
    status_code=status.HTTP_201_CREATED,
    response_model=InvitationOut,
    **require("member:write", keeps_answer=False),
)
async def invite(
    organization_id: UUID, wanted: InvitationIn, session: SessionDep, caller: Caller, settings: SettingsDep
) -> InvitationOut:
    """Make an invitation that lets newcomers join with the given roles; its token is shown this once.

    Needs a verified e-mail address of one's own.
    """
    return await service.invite(
        session,
        organization_id,
        wanted,
        caller=caller,
        needs_verified_email=settings.inviting_needs_verified_email,
    )


@router.get("/{organization_id}/members", response_model=Page[MemberOut], **require("member:read"))
async def list_members(
    organization_id: UUID, session: SessionDep, caller: Caller, window: PageQuery
) -> Page[MemberOut]:
    """Who belongs to the organization; names and addresses only with `person:read`."""
    return await service.list_members(session, organization_id, window, caller=caller)


@router.patch("/{organization_id}/members/{person_id}", response_model=MemberOut, **require("member:write"))
async def change_roles(
    organization_id: UUID, person_id: UUID, wanted: RolesIn, session: SessionDep, caller: Caller
) -> MemberOut:
    """Give a member exactly these roles; somebody stays an admin."""
    return await service.change_roles(session, organization_id, person_id, wanted.roles, caller=caller)
