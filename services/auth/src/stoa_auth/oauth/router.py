"""Clients over HTTP, as an organization's admins and the platform's operators manage them; and one's own consents."""

from uuid import UUID

from fastapi import Response, status

from stoa_auth.oauth import service
from stoa_auth.oauth.answers import NO_STORE
from stoa_auth.oauth.schemas import ClientChangeIn, ClientIn, ClientOut, ConsentOut, NewClientOut, SecretRotationIn
from stoa_common.database import SessionDep
from stoa_common.http import Router, require
from stoa_common.pages import Page, PageQuery
from stoa_common.security import Caller

router = Router(prefix="/api/v1/auth", tags=["oauth"])


@router.post(
    "/clients",
    status_code=status.HTTP_201_CREATED,
    response_model=NewClientOut,
    **require("client:write", keeps_answer=False, recent=True),
)
async def register_client(wanted: ClientIn, session: SessionDep, caller: Caller, response: Response) -> NewClientOut:
    """Register an OAuth client of the caller's organization (operators: of the platform); its secret is shown once."""
    response.headers.update(NO_STORE)
    return await service.register_client(session, wanted, caller=caller)


@router.get("/clients", response_model=Page[ClientOut], **require("client:read"))
async def list_clients(session: SessionDep, caller: Caller, window: PageQuery) -> Page[ClientOut]:
    """The OAuth clients of the caller's organization; for an operator the platform's."""
    return await service.list_clients(session, window, caller=caller)


@router.get("/clients/{client_id}", response_model=ClientOut, **require("client:read"))
async def get_client(client_id: UUID, session: SessionDep, caller: Caller) -> ClientOut:
    """One OAuth client."""
    return await service.get_client(session, client_id, caller=caller)


@router.patch("/clients/{client_id}", response_model=ClientOut, **require("client:write", recent=True))
async def change_client(client_id: UUID, wanted: ClientChangeIn, session: SessionDep, caller: Caller) -> ClientOut:
    """Change what an OAuth client is registered for; with fewer scopes or grants, what was opened through it ends."""
    return await service.change_client(session, client_id, wanted, caller=caller)


@router.post(
    "/clients/{client_id}/rotate",
    response_model=NewClientOut,
    **require("client:write", keeps_answer=False, recent=True),
)
async def rotate_client_secret(
    client_id: UUID, wanted: SecretRotationIn, session: SessionDep, caller: Caller, response: Response
) -> NewClientOut:
    """Give an OAuth client a new secret, shown this once; the one before stays good for the grace time.

    With no grace, for a secret that leaked, the tokens that the client got as itself are refused within a second.
    """
    response.headers.update(NO_STORE)
    return await service.rotate_secret(session, client_id, wanted, caller=caller)


@router.delete("/clients/{client_id}", status_code=status.HTTP_204_NO_CONTENT, **require("client:write"))
async def delete_client(client_id: UUID, session: SessionDep, caller: Caller) -> None:
    """Delete an OAuth client; what was opened through it ends within a second."""
    await service.delete_client(session, client_id, caller=caller)


@router.get("/consents", response_model=Page[ConsentOut], **require("account:read"))
async def list_consents(session: SessionDep, caller: Caller, window: PageQuery) -> Page[ConsentOut]:
    """What the caller lets OAuth clients do for them."""
    return await service.list_consents(session, window, caller=caller)


@router.delete("/consents/{client_id}", status_code=status.HTTP_204_NO_CONTENT, **require("account:write"))
async def revoke_consent(client_id: UUID, session: SessionDep, caller: Caller) -> None:
    """Allow an OAuth client nothing any more; what was opened through it for the caller ends within a second."""
    await service.revoke_consent(session, client_id, caller=caller)
