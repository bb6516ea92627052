"""CORS at the gateway's edge: preflights are answered here, and answers say which page may read them."""

from collections.abc import Awaitable, Sequence
from functools import partial

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.status import HTTP_200_OK
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stoa_common.http import problems
from stoa_common.ids import new_id
from stoa_gateway.origins.domain import Page, PreflightIsRefused
from stoa_gateway.origins.service import PAGE, AllowedOrigins

_ASKS_FIRST = b"access-control-request-method"


class Cors:
    """Middleware that tells browsers which pages may ask, and which may read."""

    def __init__(self, app: ASGIApp, *, origins: AllowedOrigins, exposed: Sequence[str]) -> None:
        self._app = app
        self._origins = origins
        self._preflights = _Preflights(app, origins, exposed)
        # Answers to all differ by origin then; else only those to pages that say theirs, which no cache shares.
        self._always_varies = bool(origins.everywhere)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # No coroutine of its own: every request passes here, and a stream stays.
        origin = _origin(scope) if scope["type"] == "http" else None
        if origin is None:
            varying = scope["type"] == "http" and self._always_varies
            return self._app(scope, receive, partial(_vary, send) if varying else send)
        if scope["method"] == "OPTIONS" and any(name == _ASKS_FIRST for name, _ in scope["headers"]):
            return self._preflights(scope, receive, send)
        page = scope.setdefault("state", {})[PAGE] = Page(origin)
        return self._app(scope, receive, partial(self._answer, send, page))

    async def _answer(self, send: Send, page: Page, message: Message) -> None:
        if message["type"] == "http.response.start":
            # Only the gateway says who may read what passes it.
            told = [pair for pair in message.get("headers", ()) if not pair[0].startswith(b"access-control-")]
            headers = MutableHeaders(raw=told)
            if self._origins.may_read(page):
                headers.update(self._preflights.simple_headers)
                headers["Access-Control-Allow-Origin"] = page.origin
            headers.add_vary_header("Origin")
            message["headers"] = headers.raw
        await send(message)


class _Preflights(CORSMiddleware):
    """Starlette's, with origins that change while the gateway runs."""

    def __init__(self, app: ASGIApp, origins: AllowedOrigins, exposed: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_methods=["*"],
            allow_headers=["*"],
            # A cookie counts only for the origins that may use it: the gatekeeper refuses the others.
            allow_credentials=origins.takes_cookies,
            expose_headers=exposed,
        )
        self._origins = origins

    def preflight_response(self, request_headers: Headers) -> Response:
        """Starlette's, but where it says no: that is a problem document here, as everywhere."""
        answer = super().preflight_response(request_headers)
        if answer.status_code == HTTP_200_OK:
            return answer
        told = {name: value for name, value in answer.headers.items() if not name.startswith("content-")}
        return problems.render(PreflightIsRefused(headers=told), instance=str(new_id()), path="")

    def is_allowed_origin(self, origin: str) -> bool:
        return self._origins.may_ask(origin)


async def _vary(send: Send, message: Message) -> None:
    if message["type"] == "http.response.start":
        headers = MutableHeaders(raw=list(message.get("headers", ())))
        headers.add_vary_header("Origin")
        message["headers"] = headers.raw
    await send(message)


def _origin(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"origin":
            return str(value.decode("latin-1"))
    return None
