"""Credentials over HTTP."""

from typing import Annotated

from fastapi import Header, status

from stoa_auth.accounts.passwords import Passwords
from stoa_auth.attempts.service import Limits
from stoa_auth.credentials import service
from stoa_auth.credentials.schemas import ForgottenIn, ForgottenOut, PasswordChangeIn, ResetIn
from stoa_auth.mail.service import MailSealer
from stoa_common.database import DatabaseDep, SessionDep
from stoa_common.http import Router, public, require
from stoa_common.resources import resource
from stoa_common.security import Caller

router = Router(prefix="/api/v1/auth", tags=["accounts"])
PasswordsDep = Annotated[Passwords, resource(Passwords)]
LimitsDep = Annotated[Limits, resource(Limits)]
SealerDep = Annotated[MailSealer, resource(MailSealer)]
Languages = Annotated[str | None, Header(alias="Accept-Language", description="The language of mails: en or ru.")]


@router.put("/me/password", status_code=status.HTTP_204_NO_CONTENT, **require("account:write", keeps_answer=False))
async def change_password(
    wanted: PasswordChangeIn,
    caller: Caller,
    database: DatabaseDep,
    passwords: PasswordsDep,
    limits: LimitsDep,
    sealer: SealerDep,
    accept_language: Languages = None,
) -> None:
    """Choose another password; needs the old one. Every other session of the caller ends, and a mail tells them."""
    change = service.Change(database, passwords, sealer, accept_language)
    await service.change_password(change, wanted, caller=caller, limits=limits)


@router.post("/forgot-password", status_code=status.HTTP_202_ACCEPTED, response_model=ForgottenOut, **public())
async def forget_password(
    wanted: ForgottenIn, session: SessionDep, sealer: SealerDep, accept_language: Languages = None
) -> ForgottenOut:
    """Ask for a mail with a code for a new password; the answer is the same whether the address is known or not."""
    await service.ask_for_reset(session, wanted.email, sealer=sealer, accepted_languages=accept_language)
    return ForgottenOut()


@router.post("/reset-password", status_code=status.HTTP_204_NO_CONTENT, **public())
async def reset_password(
    wanted: ResetIn,
    database: DatabaseDep,
    passwords: PasswordsDep,
    sealer: SealerDep,
    accept_language: Languages = None,
) -> None:
    """Choose a new password with the code from the mail. Every session of the account ends: log in anew."""
    await service.reset_password(service.Change(database, passwords, sealer, accept_language), wanted)
