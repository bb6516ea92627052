"""Allowed origins over HTTP, for admins; and all of them for the gateway, which exposes no path of that prefix."""

from typing import Annotated

from fastapi import Header, Response, status

from stoa_auth.origins import service
from stoa_auth.origins.schemas import AllowedOrigins, ListedOrigins, OrganizationOriginsOut
from stoa_common.database import SessionDep
from stoa_common.http import Router, public, require
from stoa_common.security import Caller

router = Router(prefix="/api/v1/auth/allowed-origins", tags=["organizations"])
internal = Router(prefix="/internal", tags=["organizations"])


@router.get("", response_model=AllowedOrigins, **require("organization:read"))
async def get_allowed_origins(session: SessionDep, caller: Caller) -> AllowedOrigins:
    """The origins whose pages may ask for the organization's data with an access token."""
    return await service.get_origins(session, caller=caller)


@router.put("", response_model=AllowedOrigins, **require("organization:write"))
async def set_allowed_origins(wanted: AllowedOrigins, session: SessionDep, caller: Caller) -> AllowedOrigins:
    """Let pages of exactly these origins ask, within seconds; pages of others are refused from then on."""
    return await service.set_origins(session, wanted.origins, caller=caller)


@internal.get(
    "/origins",
    response_model=ListedOrigins,
    responses={304: {"description": "What was known still holds."}},
    **public(),
)
async def list_allowed_origins(
    session: SessionDep, response: Response, if_none_match: Annotated[str | None, Header()] = None
) -> ListedOrigins | Response:
    """What every organization lists; 304 where that is known by its ETag."""
    known = if_none_match.strip('"') if if_none_match else None
    version, lists = await service.list_changed(session, known=known)
    headers = {"ETag": f'"{version}"', "Cache-Control": "no-cache"}
    if lists is None:
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    response.headers.update(headers)
    told = [OrganizationOriginsOut(organization_id=one.organization_id, origins=one.origins) for one in lists]
    return ListedOrigins(organizations=told)
