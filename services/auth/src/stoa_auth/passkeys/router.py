"""Passkeys over HTTP: registering them. Logging in by one stands with the sessions, removing one with the factors."""

from typing import Annotated

from fastapi import Header, Response, status

from stoa_auth.factors.schemas import NewFactorOut
from stoa_auth.factors.service import Guard
from stoa_auth.passkeys import service
from stoa_auth.passkeys.schemas import CreationOptionsOut, NewPasskeyIn
from stoa_auth.passkeys.service import RelyingParty
from stoa_common.database import SessionDep
from stoa_common.http import Router, require
from stoa_common.resources import resource
from stoa_common.security import Caller

router = Router(prefix="/api/v1/auth/passkeys", tags=["second factors"])
GuardDep = Annotated[Guard, resource(Guard)]
RelyingPartyDep = Annotated[RelyingParty, resource(RelyingParty)]
Languages = Annotated[str | None, Header(alias="Accept-Language", description="The language of mails: en or ru.")]
_NO_STORE = {"Cache-Control": "no-store"}


@router.post(
    "/registration",
    response_model=CreationOptionsOut,
    **require("account:write", keeps_answer=False, recent=True),
)
async def begin_passkey(
    session: SessionDep, caller: Caller, party: RelyingPartyDep, response: Response
) -> CreationOptionsOut:
    """Begin to register a passkey: what the browser makes it by (WebAuthn, level 3)."""
    response.headers.update(_NO_STORE)
    return CreationOptionsOut(publicKey=await service.begin_registration(session, caller.person_id, party=party))


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    response_model=NewFactorOut,
    **require("account:write", keeps_answer=False),
)
async def register_passkey(
    wanted: NewPasskeyIn,
    session: SessionDep,
    caller: Caller,
    party: RelyingPartyDep,
    guard: GuardDep,
    response: Response,
    accept_language: Languages = None,
) -> NewFactorOut:
    """Keep the passkey that the browser made. It logs in by itself, and the password alone opens nothing any more."""
    response.headers.update(_NO_STORE)
    return await service.register(
        session, caller.person_id, wanted, party=party, guard=guard, languages=accept_language
    )
