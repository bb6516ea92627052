"""API keys over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response, status

from stoa_auth.api_keys import service
from stoa_auth.api_keys.schemas import ApiKeyIn, ApiKeyNameIn, ApiKeyOut, NewApiKeyOut, RotationIn
from stoa_common.database import SessionDep
from stoa_common.http import Router, require
from stoa_common.pages import Page, PageQuery
from stoa_common.security import Caller

router = Router(prefix="/api/v1/auth", tags=["api-keys"])
_NO_STORE = {"Cache-Control": "no-store"}


@router.post(
    "/api-keys",
    status_code=status.HTTP_201_CREATED,
    response_model=NewApiKeyOut,
    **require("api-key:write", keeps_answer=False, recent=True),
)
async def create_api_key(wanted: ApiKeyIn, session: SessionDep, caller: Caller, response: Response) -> NewApiKeyOut:
    """Make an API key for some of what the caller may do in this organization; its text is shown this once."""
    response.headers.update(_NO_STORE)
    return await service.create_key(session, wanted, caller=caller)


@router.get("/api-keys", response_model=Page[ApiKeyOut], **require("api-key:read"))
async def list_api_keys(
    session: SessionDep,
    caller: Caller,
    window: PageQuery,
    person_id: Annotated[UUID | None, Query(description="Only this person's keys.")] = None,
) -> Page[ApiKeyOut]:
    """The caller's API keys in this organization, revoked ones too; everybody's for an admin."""
    return await service.list_keys(session, window, caller=caller, person_id=person_id)


@router.get("/api-keys/{api_key_id}", response_model=ApiKeyOut, **require("api-key:read"))
async def get_api_key(api_key_id: UUID, session: SessionDep, caller: Caller) -> ApiKeyOut:
    """One API key of the caller; anybody's in the organization for an admin."""
    return await service.get_key(session, api_key_id, caller=caller)


@router.patch("/api-keys/{api_key_id}", response_model=ApiKeyOut, **require("api-key:write"))
async def rename_api_key(api_key_id: UUID, wanted: ApiKeyNameIn, session: SessionDep, caller: Caller) -> ApiKeyOut:
    """Give an API key another name."""
    return await service.rename_key(session, api_key_id, wanted.name, caller=caller)


@router.post(
    "/api-keys/{api_key_id}/rotate",
    response_model=NewApiKeyOut,
    **require("api-key:write", keeps_answer=False, recent=True),
)
async def rotate_api_key(
    api_key_id: UUID, wanted: RotationIn, session: SessionDep, caller: Caller, response: Response
) -> NewApiKeyOut:
    """Give one's own API key a new text, shown this once; the old one stays valid for the grace time."""
    response.headers.update(_NO_STORE)
    return await service.rotate_key(session, api_key_id, wanted, caller=caller)


@router.delete("/api-keys/{api_key_id}", status_code=status.HTTP_204_NO_CONTENT, **require("api-key:write"))
async def revoke_api_key(api_key_id: UUID, session: SessionDep, caller: Caller) -> None:
    """End an API key for good; it stays in the list, and opens nothing."""
    await service.revoke_key(session, api_key_id, caller=caller)
