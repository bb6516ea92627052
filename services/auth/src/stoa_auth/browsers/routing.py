"""Routes that answer pages, and the scripts of pages. Writes are believed from pages of ours alone.

Of a `PageRouter` refusals are pages, too.
"""

import math
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.responses import HTMLResponse, Response

from stoa_auth.browsers import service
from stoa_auth.rendering import service as rendering
from stoa_common.errors import Refusal
from stoa_common.http import Router
from stoa_common.http.problems import InvalidRequest, request_id
from stoa_common.http.router import WRITES


class _Page(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except Refusal as refusal:
                return show_refusal(request, refusal)
            except RequestValidationError:
                return show_refusal(request, InvalidRequest("The form is not filled in as it should be."))

        return answer


class PageRouter(Router):
    """Routes that answer HTML, each with `**public(takes_cookie=True)`.

    Every write passes `browsers.service.check_form` first: nobody can forget it.
    """

    def __init__(self, *, prefix: str, tags: list[str], **kwargs: Any) -> None:
        super().__init__(prefix=prefix, tags=tags, default_response_class=HTMLResponse, **kwargs)
        self.route_class = _Page

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **kwargs: Any) -> None:
        kwargs["responses"] = {**_PAGES, **(kwargs.get("responses") or {})}
        if WRITES & set(kwargs.get("methods") or ()):
            kwargs["dependencies"] = [Depends(service.check_form), *(kwargs.get("dependencies") or ())]
        super().add_api_route(path, endpoint, **kwargs)


def script_router(*, prefix: str, tags: list[str]) -> Router:
    """Routes for the scripts of pages: they send and read JSON, and show the token of their page as X-CSRF-Token.

    What they are answered is kept nowhere.
    """
    return Router(prefix=prefix, tags=tags, dependencies=[Depends(service.check_form), Depends(_kept_nowhere)])


def _kept_nowhere(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


_PAGES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A page that says what went wrong; a problem (RFC 9457) where the request reached no page.",
        "content": {
            "text/html": {},
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
        },
    }
}


def show_refusal(request: Request, refusal: Refusal) -> Response:
    """A refusal as a page, in the words that we have for it."""
    # A page asks nobody for a token in a header.
    headers = {name: value for name, value in refusal.headers.items() if name != "WWW-Authenticate"}
    page = rendering.render(
        request,
        "error.html",
        title="error.title",
        status=refusal.status,
        message=tell(request, refusal),
        request_id=request_id(request),
    )
    page.headers.update(headers)
    return page


def tell(request: Request, refusal: Refusal) -> str:
    """What a person is told of a refusal, in their language; one that nobody wrote words for is told by its kind."""
    if refusal.status == 429:
        minutes = max(1, math.ceil(int(refusal.headers.get("Retry-After", "60")) / 60))
        return rendering.say(request, "error.wait", minutes=minutes)
    known = rendering.find_words(request, f"error.{refusal.slug()}")
    return known or rendering.say(request, "error.server" if refusal.status >= 500 else "error.other")
