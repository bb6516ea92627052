"""Second factors over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Header, Response, status

from stoa_auth.factors import service
from stoa_auth.factors.schemas import (
    AuthenticatorIn,
    AuthenticatorOut,
    ConfirmationIn,
    FactorNameIn,
    FactorOut,
    NewFactorOut,
    RecoveryCodesLeftOut,
    RecoveryCodesOut,
)
from stoa_auth.factors.service import Guard
from stoa_common.database import SessionDep
from stoa_common.http import Router, require
from stoa_common.pages import Page, PageQuery
from stoa_common.resources import resource
from stoa_common.security import Caller

router = Router(prefix="/api/v1/auth/factors", tags=["second factors"])
GuardDep = Annotated[Guard, resource(Guard)]
Languages = Annotated[str | None, Header(alias="Accept-Language", description="The language of mails: en or ru.")]
_NO_STORE = {"Cache-Control": "no-store"}


@router.get("", response_model=Page[FactorOut], **require("account:read"))
async def list_factors(session: SessionDep, caller: Caller, window: PageQuery) -> Page[FactorOut]:
    """By what the caller shows who they are beside the password: authenticator apps and passkeys, the oldest first."""
    return await service.list_factors(session, caller.person_id, window)


@router.post(
    "/authenticators",
    status_code=status.HTTP_201_CREATED,
    response_model=AuthenticatorOut,
    **require("account:write", keeps_answer=False, recent=True),
)
async def begin_authenticator(
    wanted: AuthenticatorIn, session: SessionDep, caller: Caller, guard: GuardDep, response: Response
) -> AuthenticatorOut:
    """Begin to set up an authenticator app (RFC 6238): scan the picture, or type the secret, then confirm by a code."""
    response.headers.update(_NO_STORE)
    return await service.begin_authenticator(session, caller.person_id, name=wanted.name, guard=guard)


@router.post(
    "/authenticators/{factor_id}/confirm",
    response_model=NewFactorOut,
    **require("account:write", keeps_answer=False),
)
async def confirm_authenticator(
    factor_id: UUID,
    wanted: ConfirmationIn,
    session: SessionDep,
    caller: Caller,
    guard: GuardDep,
    response: Response,
    accept_language: Languages = None,
) -> NewFactorOut:
    """Show that the app is set up, by the code that it shows. From now on the password alone opens nothing."""
    response.headers.update(_NO_STORE)
    return await service.confirm_authenticator(
        session, caller.person_id, factor_id, wanted.code, guard=guard, languages=accept_language
    )


@router.get("/recovery-codes", response_model=RecoveryCodesLeftOut, **require("account:read"))
async def count_recovery_codes(session: SessionDep, caller: Caller) -> RecoveryCodesLeftOut:
    """How many recovery codes the caller has left."""
    return await service.count_recovery_codes(session, caller.person_id)


@router.post(
    "/recovery-codes",
    response_model=RecoveryCodesOut,
    **require("account:write", keeps_answer=False, recent=True),
)
async def renew_recovery_codes(
    session: SessionDep, caller: Caller, guard: GuardDep, response: Response
) -> RecoveryCodesOut:
    """Ten new recovery codes, shown this once; those from before are worth nothing from now on."""
    response.headers.update(_NO_STORE)
    return RecoveryCodesOut(recovery_codes=await service.renew_recovery_codes(session, caller.person_id, guard=guard))


@router.patch("/{factor_id}", response_model=FactorOut, **require("account:write"))
async def rename_factor(factor_id: UUID, wanted: FactorNameIn, session: SessionDep, caller: Caller) -> FactorOut:
    """Give a factor another name."""
    return await service.rename_factor(session, caller.person_id, factor_id, name=wanted.name)


@router.delete("/{factor_id}", status_code=status.HTTP_204_NO_CONTENT, **require("account:write", recent=True))
async def remove_factor(
    factor_id: UUID, session: SessionDep, caller: Caller, guard: GuardDep, accept_language: Languages = None
) -> None:
    """Remove an authenticator app or a passkey. After the last one the password alone opens the account again."""
    await service.remove_factor(session, caller.person_id, factor_id, guard=guard, languages=accept_language)
