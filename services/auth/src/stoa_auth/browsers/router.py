"""Browsers over HTTP, for front ends that are served beside the gateway."""

from fastapi import Request, Response

from stoa_auth.browsers import service
from stoa_auth.browsers.schemas import BrowserSessionOut
from stoa_auth.browsers.service import BrowserSession
from stoa_common.database import SessionDep
from stoa_common.http import Router, public

router = Router(prefix="/api/v1/auth", tags=["sessions"])


@router.get("/browser-session", response_model=BrowserSessionOut, **public(takes_cookie=True))
async def get_browser_session(request: Request, response: Response, session: SessionDep) -> BrowserSession:
    """Who has logged in by this browser, and the token that its writes need beside the cookie; 401 for nobody."""
    response.headers["Cache-Control"] = "no-store"
    return await service.get_session(session, request)
