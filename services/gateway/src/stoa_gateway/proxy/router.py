"""HTTP in, for every path that the gateway does not answer itself. Plain ASGI: a framework's route would cost more."""

from typing import Any
from urllib.parse import quote

import aiohttp
from opentelemetry import trace
from starlette.types import Message, Receive, Scope, Send

from stoa_common import context
from stoa_common.logs import get_logger
from stoa_common.resources import Resources
from stoa_gateway.identity.service import Gatekeeper
from stoa_gateway.proxy import domain, service
from stoa_gateway.proxy.domain import Origin
from stoa_gateway.proxy.provider import AnswerIsBroken, ServiceTimedOut
from stoa_gateway.proxy.service import Exchange
from stoa_gateway.routing.domain import Route
from stoa_gateway.routing.service import Routing

log = get_logger()


async def forward(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application behind all other routes: a path belongs to a service, or to nobody."""
    if scope["type"] != "http":
        # Of what the services offer, nothing is a web socket.
        await send({"type": "websocket.close", "code": 1008})
        return
    resources: Resources = scope["app"].state.resources
    await resources.get(Proxy)(scope, receive, send)


class Proxy:
    """An ASGI application that answers with what the owner of the path answers."""

    def __init__(self, routing: Routing, session: aiohttp.ClientSession, gatekeeper: Gatekeeper) -> None:
        self._routing = routing
        self._session = session
        self._gatekeeper = gatekeeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = await self._routing.find(scope["method"], scope["path"])
        _name_after(route, scope)
        verifier = scope["app"].state.verifier
        scope["headers"] = await self._gatekeeper.admit(route, scope["method"], scope["headers"], verifier=verifier)
        await self._forward(route, scope, receive, _Answer(send))

    async def _forward(self, route: Route, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        has_body = domain.has_body(scope["headers"])
        try:
            await service.forward(
                self._session,
                Exchange(receive, has_body=has_body),
                answer,
                service=route.service,
                method=scope["method"],
                url=self._routing.upstreams[route.service].url + _target(scope),
                headers=domain.request_headers(scope["headers"], origin=_origin(scope), own=_own_headers(scope)),
                has_body=has_body,
            )
        except (AnswerIsBroken, ServiceTimedOut) as failure:
            if not answer.has_begun:
                raise
            # Returning without the answer's end makes the server cut the connection: the client sees that it is short.
            log.warning("answer_cut_short", upstream=route.service, path=route.path, reason=failure.slug())


class _Answer:
    """Remembers whether the client has got the beginning of an answer."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        self.has_begun = True
        await self._send(message)


def _name_after(route: Route, scope: Scope) -> None:
    """Metrics and traces name the request by its template, not by its ids."""
    scope["route"] = route
    span = trace.get_current_span()
    if span.is_recording():
        span.update_name(f"{route.method} {route.path}")
        span.set_attribute("http.route", route.path)


def _target(scope: Scope) -> str:
    """Path and query as the client wrote them: decoding and encoding again would change some."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    query: bytes = scope["query_string"]
    return raw.decode("latin-1") + (f"?{query.decode('latin-1')}" if query else "")


def _origin(scope: Scope) -> Origin:
    hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    client = scope.get("client")
    return Origin(client=client[0] if client else "", scheme=scope["scheme"], host=hosts[0] if hosts else "")


def _own_headers(scope: Scope) -> dict[str, str]:
    request_id: Any = scope.get("state", {}).get("request_id", "")
    own = {"x-request-id": str(request_id)}
    if traceparent := context.traceparent():
        own["traceparent"] = traceparent
    return own
