"""Connections and proved domains over HTTP, for admins and operators."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, status

from stoa_auth.sign_on import connections
from stoa_auth.sign_on.router import DeskDep
from stoa_auth.sign_on.schemas import ConnectionChange, ConnectionIn, ConnectionOut, Domain, DomainIn, DomainOut, Policy
from stoa_common.database import DatabaseDep, SessionDep
from stoa_common.http import Router, require
from stoa_common.pages import Page, PageQuery
from stoa_common.security import Caller

router = Router(prefix="/api/v1/auth/sign-on-connections", tags=["sign-on"])
policies = Router(prefix="/api/v1/auth/sign-on-policy", tags=["sign-on"])
domains = Router(prefix="/api/v1/auth/sign-on-domains", tags=["sign-on"])
DomainPath = Annotated[Domain, Path()]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    response_model=ConnectionOut,
    # The provider is asked first, and meanwhile no transaction waits for it.
    **require("sign-on:write", keeps_answer=False, recent=True),
)
async def create_connection(
    wanted: ConnectionIn, database: DatabaseDep, desk: DeskDep, caller: Caller
) -> ConnectionOut:
    """Let the organization's people log in by its OpenID provider, whose metadata is read at once."""
    return await connections.create_connection(database, wanted, desk=desk, caller=caller)


@router.get("", response_model=Page[ConnectionOut], **require("sign-on:read"))
async def list_connections(
    session: SessionDep, desk: DeskDep, caller: Caller, window: PageQuery
) -> Page[ConnectionOut]:
    """The organization's connections, the oldest first; for an operator all."""
    return await connections.list_connections(session, window, desk=desk, caller=caller)


@router.get("/{connection_id}", response_model=ConnectionOut, **require("sign-on:read"))
async def get_connection(connection_id: UUID, session: SessionDep, desk: DeskDep, caller: Caller) -> ConnectionOut:
    """One connection; its client secret is never shown."""
    return await connections.get_connection(session, connection_id, desk=desk, caller=caller)


@router.patch(
    "/{connection_id}", response_model=ConnectionOut, **require("sign-on:write", keeps_answer=False, recent=True)
)
async def change_connection(
    connection_id: UUID, change: ConnectionChange, session: SessionDep, desk: DeskDep, caller: Caller
) -> ConnectionOut:
    """Change a connection. Switched off, nobody logs in by it, and sessions that providers opened here end."""
    return await connections.change_connection(session, connection_id, change, desk=desk, caller=caller)


@router.delete("/{connection_id}", status_code=status.HTTP_204_NO_CONTENT, **require("sign-on:write", recent=True))
async def delete_connection(connection_id: UUID, session: SessionDep, caller: Caller) -> None:
    """Delete a connection with its identities; sessions that providers opened here end. Members stay members."""
    await connections.delete_connection(session, connection_id, caller=caller)


@policies.get("", response_model=Policy, **require("sign-on:write"))
async def get_sign_on_policy(session: SessionDep, caller: Caller) -> Policy:
    """Whether the organization's members have to log in by a connection."""
    return await connections.get_policy(session, caller=caller)


@policies.put("", response_model=Policy, **require("sign-on:write", recent=True))
async def set_sign_on_policy(wanted: Policy, session: SessionDep, caller: Caller) -> Policy:
    """Have the members log in by a connection, or as they like. Sessions opened otherwise end; owners' go on."""
    return await connections.set_policy(session, wanted, caller=caller)


@domains.get("", response_model=Page[DomainOut], **require("sign-on:read"))
async def list_domains(session: SessionDep, caller: Caller, window: PageQuery) -> Page[DomainOut]:
    """The domains that the organization has proved, by name; for an operator all."""
    return await connections.list_domains(session, window, caller=caller)


@domains.put("/{domain}", response_model=DomainOut, **require("platform:write", recent=True))
async def prove_domain(domain: DomainPath, wanted: DomainIn, session: SessionDep, caller: Caller) -> DomainOut:
    """Note, as an operator who has seen it, that a domain of mail addresses is an organization's.

    Its provider may then log in as members with such addresses without their having linked them.
    """
    return await connections.prove_domain(session, domain, wanted.organization_id, caller=caller)


@domains.delete("/{domain}", status_code=status.HTTP_204_NO_CONTENT, **require("platform:write"))
async def withdraw_domain(domain: DomainPath, session: SessionDep, caller: Caller) -> None:
    """Take the note back; identities that were linked by it stay."""
    await connections.withdraw_domain(session, domain, caller=caller)
