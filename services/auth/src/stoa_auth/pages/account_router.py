"""Pages of who has logged in: the account, step-up, identities at organizations' providers."""

from typing import Annotated

from fastapi import Form, Request
from starlette.responses import Response

from stoa_auth.browsers.routing import PageRouter, script_router
from stoa_auth.pages import service
from stoa_auth.pages.domain import PAGES
from stoa_auth.pages.router import ELSEWHERE, DeskDep
from stoa_auth.pages.schemas import (
    IdentitiesForm,
    LoggedInOut,
    Next,
    PasskeyOptionsOut,
    PasskeyStepUpIn,
    StepUpForm,
)
from stoa_common.database import SessionDep
from stoa_common.http import public

router = PageRouter(prefix=PAGES, tags=["pages"])
#: For the script of the step-up page.
scripts = script_router(prefix=PAGES, tags=["pages"])


@router.get("/account", responses=ELSEWHERE, **public(takes_cookie=True))
async def show_account(request: Request, desk: DeskDep) -> Response:
    """Who has logged in by this browser."""
    return await service.show_account(request, desk=desk)


@router.get("/step-up", responses=ELSEWHERE, **public(takes_cookie=True))
async def show_step_up(request: Request, desk: DeskDep, wanted: Next = None) -> Response:
    """Where an app sends a browser whose person has to prove again who they are: 401 insufficient_user_authentication.

    It asks for what the person has: the password, else a code or a passkey, else their organization's provider.
    """
    return await service.show_step_up(request, wanted, desk=desk)


@router.post("/step-up", responses=ELSEWHERE, **public(takes_cookie=True))
async def submit_step_up(
    request: Request, sent: Annotated[StepUpForm, Form()], desk: DeskDep, wanted: Next = None
) -> Response:
    """Prove again who one is, by the password or a code. The browser gets another cookie, and goes on to `next`."""
    return await service.step_up(request, sent, wanted, desk=desk)


@scripts.post("/step-up/passkey/options", response_model=PasskeyOptionsOut, **public(takes_cookie=True))
async def begin_page_step_up_passkey(request: Request, session: SessionDep, desk: DeskDep) -> PasskeyOptionsOut:
    """What the step-up page asks its browser for."""
    return await service.begin_step_up_passkey(request, session, desk=desk)


@scripts.post("/step-up/passkey", response_model=LoggedInOut, **public(takes_cookie=True))
async def submit_page_step_up_passkey(
    request: Request, response: Response, shown: PasskeyStepUpIn, desk: DeskDep
) -> LoggedInOut:
    """Prove again who one is, by a passkey. The browser gets another cookie."""
    return await service.step_up_with_passkey(request, response, shown, desk=desk)


@router.get("/identities", responses=ELSEWHERE, **public(takes_cookie=True))
async def show_identities(request: Request, desk: DeskDep) -> Response:
    """By which identities at organizations' providers one can log in to one's account, and which could be added."""
    return await service.show_identities(request, desk=desk)


@router.post("/identities", responses=ELSEWHERE, **public(takes_cookie=True))
async def change_identities(request: Request, sent: Annotated[IdentitiesForm, Form()], desk: DeskDep) -> Response:
    """Link an identity, or unlink one, after a recent log-in or step-up."""
    return await service.change_identities(request, sent, desk=desk)
