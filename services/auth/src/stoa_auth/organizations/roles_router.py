"""Roles over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, status

from stoa_auth.organizations import roles
from stoa_auth.organizations.schemas import RoleChangeIn, RoleIn, RoleOut
from stoa_common.database import SessionDep
from stoa_common.http import Router, require
from stoa_common.pages import Page
from stoa_common.security import Caller

router = Router(prefix="/api/v1/auth/organizations/{organization_id}/roles", tags=["roles"])
Named = Annotated[str, Path(min_length=1, max_length=40, pattern="^[a-z0-9-]+$", examples=["grader"])]


@router.get("", response_model=Page[RoleOut], **require("role:read"))
async def list_roles(organization_id: UUID, session: SessionDep, caller: Caller) -> Page[RoleOut]:
    """What members can be, all on one page: the roles of all organizations, then the organization's own."""
    return await roles.list_roles(session, organization_id, caller=caller)


@router.post("", status_code=status.HTTP_201_CREATED, response_model=RoleOut, **require("role:write"))
async def create_role(organization_id: UUID, wanted: RoleIn, session: SessionDep, caller: Caller) -> RoleOut:
    """Make a role of the organization's own, of permissions that the caller has."""
    return await roles.create_role(session, organization_id, wanted, caller=caller)


@router.get("/{name}", response_model=RoleOut, **require("role:read"))
async def get_role(organization_id: UUID, name: Named, session: SessionDep, caller: Caller) -> RoleOut:
    """One role, and what it is made of."""
    return await roles.get_role(session, organization_id, name, caller=caller)


@router.patch("/{name}", response_model=RoleOut, **require("role:write"))
async def change_role(
    organization_id: UUID, name: Named, wanted: RoleChangeIn, session: SessionDep, caller: Caller
) -> RoleOut:
    """Make a role of other permissions: tokens of its holders that say what it was are refused within a second."""
    return await roles.change_role(session, organization_id, name, wanted, caller=caller)


@router.delete("/{name}", status_code=status.HTTP_204_NO_CONTENT, **require("role:write"))
async def delete_role(organization_id: UUID, name: Named, session: SessionDep, caller: Caller) -> None:
    """Delete a role that no member has and no open invitation gives."""
    await roles.delete_role(session, organization_id, name, caller=caller)
