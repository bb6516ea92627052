"""Organizations and their members over HTTP."""

from uuid import UUID

from fastapi import status

from stoa_auth.organizations import members, service
from stoa_auth.organizations.schemas import MemberOut, OrganizationIn, OrganizationOut, RolesIn
from stoa_common.database import SessionDep
from stoa_common.http import Router, require
from stoa_common.pages import Page, PageQuery
from stoa_common.security import Caller

router = Router(prefix="/api/v1/auth/organizations", tags=["organizations"])


@router.get("", response_model=Page[OrganizationOut], **require("account:read"))
async def list_organizations(session: SessionDep, caller: Caller, window: PageQuery) -> Page[OrganizationOut]:
    """The organizations that the caller belongs to; every organization for an operator."""
    return await service.list_organizations(session, caller, window)


@router.get("/{organization_id}", response_model=OrganizationOut, **require("account:read"))
async def get_organization(organization_id: UUID, session: SessionDep, caller: Caller) -> OrganizationOut:
    """One organization that the caller belongs to; any for an operator."""
    return await service.get_organization(session, organization_id, caller=caller)


@router.patch("/{organization_id}", response_model=OrganizationOut, **require("organization:write"))
async def rename_organization(
    organization_id: UUID, wanted: OrganizationIn, session: SessionDep, caller: Caller
) -> OrganizationOut:
    """Give the organization another name."""
    return await service.rename_organization(session, organization_id, wanted.name, caller=caller)


@router.post("/{organization_id}/suspend", response_model=OrganizationOut, **require("platform:write", recent=True))
async def suspend_organization(organization_id: UUID, session: SessionDep, caller: Caller) -> OrganizationOut:
    """Let nobody act for the organization: its members' tokens are refused everywhere within a second."""
    return service.describe(await service.suspend_organization(session, organization_id, actor=caller.person_id))


@router.post("/{organization_id}/resume", response_model=OrganizationOut, **require("platform:write"))
async def resume_organization(organization_id: UUID, session: SessionDep, caller: Caller) -> OrganizationOut:
    """Let the members of a suspended organization act for it again."""
    return service.describe(await service.resume_organization(session, organization_id, actor=caller.person_id))


@router.post("/{organization_id}/leave", status_code=status.HTTP_204_NO_CONTENT, **require("account:write"))
async def leave_organization(organization_id: UUID, session: SessionDep, caller: Caller) -> None:
    """Leave an organization of one's own; its only owner stays."""
    await members.leave(session, organization_id, caller=caller)


@router.get("/{organization_id}/members", response_model=Page[MemberOut], **require("member:read"))
async def list_members(
    organization_id: UUID, session: SessionDep, caller: Caller, window: PageQuery
) -> Page[MemberOut]:
    """Who belongs to the organization; names and addresses only with `person:read`."""
    return await members.list_members(session, organization_id, window, caller=caller)


@router.patch("/{organization_id}/members/{person_id}", response_model=MemberOut, **require("member:write"))
async def change_roles(
    organization_id: UUID, person_id: UUID, wanted: RolesIn, session: SessionDep, caller: Caller
) -> MemberOut:
    """Give a member exactly these roles. Nobody gives or takes what they lack themselves, and an owner stays."""
    return await members.change_roles(session, organization_id, person_id, wanted.roles, caller=caller)


@router.delete(
    "/{organization_id}/members/{person_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    **require("member:write"),
)
async def remove_member(organization_id: UUID, person_id: UUID, session: SessionDep, caller: Caller) -> None:
    """Let a person be a member no more: their tokens are refused everywhere within a second."""
    await members.remove_member(session, organization_id, person_id, caller=caller)


@router.post("/{organization_id}/members/{person_id}/suspend", response_model=MemberOut, **require("member:write"))
async def suspend_member(organization_id: UUID, person_id: UUID, session: SessionDep, caller: Caller) -> MemberOut:
    """Let a member not act for the organization; they keep their place and what is theirs."""
    return await members.suspend_member(session, organization_id, person_id, caller=caller)


@router.post("/{organization_id}/members/{person_id}/resume", response_model=MemberOut, **require("member:write"))
async def resume_member(organization_id: UUID, person_id: UUID, session: SessionDep, caller: Caller) -> MemberOut:
    """Let a suspended member act for the organization again."""
    return await members.resume_member(session, organization_id, person_id, caller=caller)
