"""Accounts over HTTP."""

from typing import Annotated

from fastapi import status

from stoa_auth.accounts import service
from stoa_auth.accounts.passwords import Passwords
from stoa_auth.accounts.schemas import RegistrationIn, RegistrationOut
from stoa_auth.people.schemas import PersonOut
from stoa_auth.people.service import Person
from stoa_common.database import SessionDep
from stoa_common.http import Router, public, require
from stoa_common.resources import resource
from stoa_common.security import Caller

router = Router(prefix="/api/v1/auth", tags=["accounts"])
PasswordsDep = Annotated[Passwords, resource(Passwords)]


@router.post("/register", status_code=status.HTTP_202_ACCEPTED, response_model=RegistrationOut, **public())
async def register(wanted: RegistrationIn, session: SessionDep, passwords: PasswordsDep) -> RegistrationOut:
    """Make an account, with an organization of its own or, by invitation, in another's.

    The answer is the same whether the address was known or not.
    """
    await service.register(session, wanted, passwords=passwords)
    return RegistrationOut()


@router.get("/me", response_model=PersonOut, **require("account:read"))
async def get_account(session: SessionDep, caller: Caller) -> Person:
    """What accounts hold on the caller."""
    return await service.get_account(session, caller.person_id)


@router.delete("/me", status_code=status.HTTP_204_NO_CONTENT, **require("account:write"))
async def erase_account(session: SessionDep, caller: Caller) -> None:
    """Forget the caller for good, here and in every other service; the address becomes free again."""
    await service.erase_account(session, caller.person_id)
