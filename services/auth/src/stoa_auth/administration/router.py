"""Administration over HTTP: people for operators, members for the admins of their organization."""

from typing import Annotated
from uuid import UUID

from fastapi import Response, status

from stoa_auth.administration import impersonation, service
from stoa_auth.administration.schemas import (
    ImpersonationIn,
    ImpersonationOut,
    MemberFoundOut,
    MemberSearchQuery,
    MemberShownOut,
    PersonFoundOut,
    PersonShownOut,
    ReasonIn,
    ResetIn,
    SearchQuery,
)
from stoa_auth.factors.service import Guard
from stoa_auth.mail.service import MailSealer
from stoa_auth.sessions.service import Tokens
from stoa_common.database import DatabaseDep, SessionDep
from stoa_common.http import Router, require
from stoa_common.pages import Page, PageQuery
from stoa_common.resources import resource
from stoa_common.security import Caller

router = Router(prefix="/api/v1/auth/administration", tags=["administration"])
TokensDep = Annotated[Tokens, resource(Tokens)]
SealerDep = Annotated[MailSealer, resource(MailSealer)]
GuardDep = Annotated[Guard, resource(Guard)]


@router.get("/people", response_model=Page[PersonFoundOut], **require("platform:read"))
async def search_people(
    session: SessionDep, caller: Caller, window: PageQuery, search: SearchQuery
) -> Page[PersonFoundOut]:
    """Find people of the whole platform by address, name, id, organization; who searched is in the audit log."""
    return await service.search_people(session, search, window, caller=caller)


@router.get("/people/{person_id}", response_model=PersonShownOut, **require("platform:read"))
async def show_person(person_id: UUID, session: SessionDep, caller: Caller) -> PersonShownOut:
    """One person: memberships, sessions, kinds of second factors, last log-in; who looked is in the audit log."""
    return await service.show_person(session, person_id, caller=caller)


@router.post("/people/{person_id}/suspend", response_model=PersonShownOut, **require("platform:write"))
async def suspend_person(person_id: UUID, wanted: ReasonIn, session: SessionDep, caller: Caller) -> PersonShownOut:
    """Refuse a person: within a second all their tokens, and their API keys, open nothing."""
    return await service.suspend_person(session, person_id, reason=wanted.reason, caller=caller)


@router.post("/people/{person_id}/resume", response_model=PersonShownOut, **require("platform:write"))
async def resume_person(person_id: UUID, wanted: ReasonIn, session: SessionDep, caller: Caller) -> PersonShownOut:
    """Take a suspended person again: they log in anew, and their API keys open again."""
    return await service.resume_person(session, person_id, reason=wanted.reason, caller=caller)


@router.post("/people/{person_id}/reset", response_model=PersonShownOut, **require("platform:write", recent=True))
async def reset_person(
    person_id: UUID, wanted: ResetIn, session: SessionDep, caller: Caller, guard: GuardDep, sealer: SealerDep
) -> PersonShownOut:
    """Have a person prove anew who they are: sessions, password and second factors are gone, a mail brings a code."""
    means = service.Means(guard, sealer)
    return await service.reset_person(session, person_id, wanted, means=means, caller=caller)


@router.post(
    "/people/{person_id}/impersonations",
    status_code=status.HTTP_201_CREATED,
    response_model=ImpersonationOut,
    **require("platform:impersonate", recent=True, keeps_answer=False),
)
async def impersonate(
    person_id: UUID,
    wanted: ImpersonationIn,
    response: Response,
    database: DatabaseDep,
    caller: Caller,
    tokens: TokensDep,
    sealer: SealerDep,
) -> ImpersonationOut:
    """Act in a person's place for some minutes, an hour at most. The person gets a mail, and may end it.

    It opens what the person may read, and of what they may change only learning and courses: no account, no keys, no
    members, and nothing that asks for step-up. By a browser's cookie it lasts as long as the one access token.
    """
    response.headers["Cache-Control"] = "no-store"
    return await impersonation.impersonate(database, person_id, wanted, tokens=tokens, sealer=sealer, caller=caller)


@router.delete(
    "/people/{person_id}/impersonations/{session_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    **require("platform:impersonate"),
)
async def end_impersonation(person_id: UUID, session_id: UUID, session: SessionDep, caller: Caller) -> None:
    """End an impersonation early, whoever began it; the person does so with DELETE /api/v1/auth/sessions/{id}."""
    await impersonation.end_impersonation(session, person_id, session_id, caller=caller)


@router.get("/members", response_model=Page[MemberFoundOut], **require("person:read"))
async def search_members(
    session: SessionDep, caller: Caller, window: PageQuery, search: MemberSearchQuery
) -> Page[MemberFoundOut]:
    """Find members of the caller's organization by address or name."""
    return await service.search_members(session, search, window, caller=caller)


@router.get("/members/{person_id}", response_model=MemberShownOut, **require("person:read"))
async def show_member(person_id: UUID, session: SessionDep, caller: Caller) -> MemberShownOut:
    """One member of the caller's organization: last log-in, kinds of second factors, sessions that act for it."""
    return await service.show_member(session, person_id, caller=caller)


@router.delete("/members/{person_id}/sessions", status_code=status.HTTP_204_NO_CONTENT, **require("member:write"))
async def log_out_member(person_id: UUID, session: SessionDep, caller: Caller) -> None:
    """Log a member out of the caller's organization everywhere; their sessions for other organizations go on."""
    await service.log_out_member(session, person_id, caller=caller)
