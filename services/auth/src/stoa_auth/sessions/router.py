"""Sessions over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Response, status

from stoa_auth.accounts.passwords import Passwords
from stoa_auth.attempts.service import Limits
from stoa_auth.factors.service import Guard
from stoa_auth.passkeys.schemas import RequestOptionsOut
from stoa_auth.passkeys.service import RelyingParty
from stoa_auth.sessions import service
from stoa_auth.sessions.schemas import (
    FactorNeededOut,
    FactorPasskeyIn,
    LoginIn,
    PasskeyLogInIn,
    RefreshIn,
    SecondFactorIn,
    SessionOut,
    TokensOut,
)
from stoa_auth.sessions.service import Checks, Tokens
from stoa_common.database import DatabaseDep, SessionDep
from stoa_common.http import Router, public, require
from stoa_common.pages import Page, PageQuery
from stoa_common.resources import resource
from stoa_common.security import Caller

router = Router(prefix="/api/v1/auth", tags=["sessions"])
PasswordsDep = Annotated[Passwords, resource(Passwords)]
TokensDep = Annotated[Tokens, resource(Tokens)]
LimitsDep = Annotated[Limits, resource(Limits)]
GuardDep = Annotated[Guard, resource(Guard)]
RelyingPartyDep = Annotated[RelyingParty, resource(RelyingParty)]
Languages = Annotated[str | None, Header(alias="Accept-Language", description="The language of mails: en or ru.")]
_NO_STORE = {"Cache-Control": "no-store"}
_MAY_NEED_A_FACTOR: dict[int | str, dict[str, Any]] = {
    401: {
        "description": "The e-mail or the password is wrong; or both are right, and a second factor is needed",
        "content": {
            "application/problem+json": {
                "schema": {"allOf": [{"$ref": "#/components/schemas/Problem"}, FactorNeededOut.model_json_schema()]}
            }
        },
    }
}


@router.post("/login", response_model=TokensOut, responses=_MAY_NEED_A_FACTOR, **public())
async def log_in(
    wanted: LoginIn,
    response: Response,
    database: DatabaseDep,
    passwords: PasswordsDep,
    tokens: TokensDep,
    limits: LimitsDep,
) -> TokensOut:
    """Open a session for an e-mail and a password. Who fails often waits: 429 with `Retry-After`.

    An account with a second factor answers 401 `second-factor-is-needed`, with what the log-in goes on by.
    """
    response.headers.update(_NO_STORE)
    return await service.log_in(database, wanted, passwords=passwords, tokens=tokens, limits=limits)


@router.post("/login/second-factor", response_model=TokensOut, **public())
async def log_in_with_factor(
    wanted: SecondFactorIn,
    response: Response,
    database: DatabaseDep,
    tokens: TokensDep,
    guard: GuardDep,
    party: RelyingPartyDep,
    accept_language: Languages = None,
) -> TokensOut:
    """Go on with a log-in whose password was right, by a code, a recovery code or a passkey."""
    response.headers.update(_NO_STORE)
    checks, proof = Checks(guard, party, accept_language), wanted.proof
    assert proof is not None
    return await service.log_in_with_factor(database, wanted.challenge, proof, tokens=tokens, checks=checks)


@router.post("/login/second-factor/passkey", response_model=RequestOptionsOut, **public())
async def begin_factor_passkey(
    wanted: FactorPasskeyIn, response: Response, session: SessionDep, party: RelyingPartyDep
) -> RequestOptionsOut:
    """What the browser of a log-in that waits is asked to sign (WebAuthn)."""
    response.headers.update(_NO_STORE)
    return RequestOptionsOut(publicKey=await service.begin_factor_passkey(session, wanted.challenge, party=party))


@router.post("/login/passkey/options", response_model=RequestOptionsOut, **public())
async def begin_passkey_log_in(response: Response, session: SessionDep, party: RelyingPartyDep) -> RequestOptionsOut:
    """What a browser is asked to sign that logs in by a passkey, without an address (WebAuthn)."""
    response.headers.update(_NO_STORE)
    return RequestOptionsOut(publicKey=await service.begin_passkey_log_in(session, party=party))


@router.post("/login/passkey", response_model=TokensOut, **public())
async def log_in_with_passkey(
    wanted: PasskeyLogInIn, response: Response, database: DatabaseDep, tokens: TokensDep, party: RelyingPartyDep
) -> TokensOut:
    """Open a session for whoever the passkey belongs to. It is two factors at once: no other is asked for."""
    response.headers.update(_NO_STORE)
    return await service.log_in_with_passkey(
        database, wanted.passkey, organization_id=wanted.organization_id, tokens=tokens, party=party
    )


@router.post("/step-up/passkey", response_model=RequestOptionsOut, **require("account:write", keeps_answer=False))
async def begin_step_up_passkey(
    response: Response, session: SessionDep, caller: Caller, party: RelyingPartyDep
) -> RequestOptionsOut:
    """What the caller's browser is asked to sign, to prove again who they are (WebAuthn)."""
    response.headers.update(_NO_STORE)
    return RequestOptionsOut(publicKey=await service.begin_step_up_passkey(session, caller=caller, party=party))


@router.post("/refresh", response_model=TokensOut, **public())
async def refresh(wanted: RefreshIn, response: Response, database: DatabaseDep, tokens: TokensDep) -> TokensOut:
    """Trade a refresh token for new tokens; each is good for one use, and a late second use ends the session."""
    response.headers.update(_NO_STORE)
    return await service.refresh(database, wanted.refresh_token, tokens=tokens)


@router.post("/logout", status_code=status.HTTP_204_NO_CONTENT, **require("account:read"))
async def log_out(session: SessionDep, caller: Caller) -> None:
    """End the session that the access token came from."""
    await service.log_out(session, caller)


@router.get("/sessions", response_model=Page[SessionOut], **require("account:read"))
async def list_sessions(session: SessionDep, caller: Caller, window: PageQuery) -> Page[SessionOut]:
    """Where the caller is logged in, the oldest session first."""
    return await service.list_sessions(session, window, caller=caller)


@router.delete("/sessions/{session_id}", status_code=status.HTTP_204_NO_CONTENT, **require("account:write"))
async def end_session(session_id: UUID, session: SessionDep, caller: Caller) -> None:
    """End one of the caller's sessions; its tokens are refused everywhere within a second."""
    await service.end_session(session, session_id, caller=caller)


@router.delete("/sessions", status_code=status.HTTP_204_NO_CONTENT, **require("account:write"))
async def log_out_everywhere(session: SessionDep, caller: Caller) -> None:
    """End all sessions of the caller, this one too; their tokens are refused everywhere within a second."""
    await service.log_out_everywhere(session, caller)
