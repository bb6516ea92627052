"""Accounts over HTTP."""

from typing import Annotated

from fastapi import Header, status

from stoa_auth.accounts import service
from stoa_auth.accounts.passwords import Passwords
from stoa_auth.accounts.schemas import MailedOut, RegistrationIn, RegistrationOut, VerificationIn
from stoa_auth.mail.service import MailSealer
from stoa_auth.people.schemas import PersonOut
from stoa_auth.people.service import Person
from stoa_common.database import SessionDep
from stoa_common.http import Router, public, require
from stoa_common.resources import resource
from stoa_common.security import Caller

router = Router(prefix="/api/v1/auth", tags=["accounts"])
PasswordsDep = Annotated[Passwords, resource(Passwords)]
SealerDep = Annotated[MailSealer, resource(MailSealer)]
Languages = Annotated[str | None, Header(alias="Accept-Language", description="The language of mails: en or ru.")]


@router.post("/register", status_code=status.HTTP_202_ACCEPTED, response_model=RegistrationOut, **public())
async def register(
    wanted: RegistrationIn,
    session: SessionDep,
    passwords: PasswordsDep,
    sealer: SealerDep,
    accept_language: Languages = None,
) -> RegistrationOut:
    """Make an account, with an organization of its own or, by invitation, in another's; a mail brings a code.

    The answer is the same whether the address was known or not.
    """
    await service.register(session, wanted, passwords=passwords, sealer=sealer, accepted_languages=accept_language)
    return RegistrationOut()


@router.post("/verify-email", status_code=status.HTTP_204_NO_CONTENT, **public())
async def verify_email(wanted: VerificationIn, session: SessionDep) -> None:
    """Show that the address is one's own, by the code from the mail; each is good for one use, for three days."""
    await service.verify_email(session, wanted.token)


@router.post(
    "/verify-email/again",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=MailedOut,
    **require("account:write"),
)
async def ask_for_verification(
    session: SessionDep, caller: Caller, sealer: SealerDep, accept_language: Languages = None
) -> MailedOut:
    """Send the caller another mail with a code, unless the address is verified already."""
    await service.ask_for_verification(session, caller.person_id, sealer=sealer, accepted_languages=accept_language)
    return MailedOut()


@router.get("/me", response_model=PersonOut, **require("account:read"))
async def get_account(session: SessionDep, caller: Caller) -> Person:
    """What accounts hold on the caller."""
    return await service.get_account(session, caller.person_id)


@router.delete("/me", status_code=status.HTTP_204_NO_CONTENT, **require("account:write", recent=True))
async def erase_account(session: SessionDep, caller: Caller, sealer: SealerDep) -> None:
    """Forget the caller for good, here and in every other service; the address becomes free again."""
    await service.erase_account(session, caller.person_id, sealer=sealer)
