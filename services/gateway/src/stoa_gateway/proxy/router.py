"""HTTP in, for every path that the gateway does not answer itself. Plain ASGI: a framework's route would cost more."""

import sys
from collections.abc import Awaitable, Iterable, MutableMapping
from functools import partial
from typing import Any, Final
from urllib.parse import quote

import aiohttp
from starlette.types import ASGIApp, Receive, Scope, Send

from stoa_common import context
from stoa_common.errors import Unauthenticated
from stoa_common.http import connections
from stoa_common.http.edge import Edge, Observe
from stoa_common.logs import get_logger
from stoa_common.resources import Resources
from stoa_common.security import Principal
from stoa_gateway.caching.service import Cache
from stoa_gateway.identity.credentials import Headers
from stoa_gateway.identity.service import Admitted, Gatekeeper
from stoa_gateway.limits.addresses import Networks, client_address
from stoa_gateway.limits.service import Limits
from stoa_gateway.origins.service import AllowedOrigins
from stoa_gateway.proxy import domain, service, twins
from stoa_gateway.proxy.domain import BodyIsSlow, BodyIsTooLarge, Head
from stoa_gateway.proxy.exchange import ClientIsSlow, ClientLeft, Exchange
from stoa_gateway.proxy.provider import AnswerIsBroken, Asked, ServiceTimedOut
from stoa_gateway.proxy.trail import TRAIL, Trail
from stoa_gateway.proxy.twins import Twins
from stoa_gateway.routing.domain import Route
from stoa_gateway.routing.service import Routing
from stoa_gateway.upstreams.service import Upstreams

#: What may be asked twice without doing it twice (RFC 9110, section 9.2.2).
_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})
#: What ends an exchange whose answer has begun; before that, each is an answer of its own.
_CUT_SHORT: Final = (AnswerIsBroken, ServiceTimedOut, ClientIsSlow, BodyIsSlow, BodyIsTooLarge)
log = get_logger()


class ProxyDoor:
    """Middleware that forwards every path that is not the gateway's own, past the framework.

    `own` are the paths of the gateway's routes; of one with a parameter, all that begins like it.
    """

    def __init__(self, app: ASGIApp, *, own: Iterable[str], observe: Observe) -> None:
        self._app = app
        named = list(own)
        self._own = frozenset(named)
        self._below = tuple(path.partition("{")[0] for path in named if "{" in path)
        # The services know how much they take; here nothing is kept of a body, however long.
        self._edge = Edge(_forward, max_body_bytes=sys.maxsize, observe=observe)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # No coroutine of its own: every request passes here.
        path = scope.get("path")
        is_own = path is None or path in self._own or path.startswith(self._below)
        return (self._app if is_own else self._edge)(scope, receive, send)


async def _forward(scope: Scope, receive: Receive, send: Send) -> None:
    """A path belongs to a service, or to nobody."""
    if scope["type"] != "http":
        # Of what the services offer, nothing is a web socket.
        await send({"type": "websocket.close", "code": 1008})
        return
    resources: Resources = scope["app"].state.resources
    await resources.get(Proxy)(scope, receive, send)


class Proxy:
    """An ASGI application that answers with what the owner of the path answers."""

    def __init__(
        self,
        routing: Routing,
        session: aiohttp.ClientSession,
        gatekeeper: Gatekeeper,
        upstreams: Upstreams,
        *,
        trusted: Networks = (),
        limits: Limits | None = None,
        cache: Cache | None = None,
        origins: AllowedOrigins | None = None,
    ) -> None:
        self._routing = routing
        self._session = session
        self._gatekeeper = gatekeeper
        self._upstreams = upstreams
        self._trusted = trusted
        self._limits = limits
        self._cache = cache
        self._origins = origins
        self._twins = Twins()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = scope["route"] = await self._routing.find(scope["method"], scope["path"])
        trail = scope["state"][TRAIL] = Trail(route.service)
        policy = route.policy
        self._upstreams.ensure_time(policy.priority)
        head = domain.read_head(scope["headers"])
        domain.check_body(head, max_bytes=policy.max_body_bytes, content_types=policy.content_types)
        admitted = await self._admitted(route, scope)
        trail.admitted(admitted)
        scope["headers"] = admitted.headers
        if self._origins is not None:
            self._origins.check(scope.get("state", {}), admitted.principal)
        answer = _Answer(send, trail)
        if self._limits is not None:
            answer.headers = await self._take(self._limits, route, scope, admitted)
        try:
            if policy.cache is not None and route.is_public and self._cache is not None:
                await self._cache.serve(policy.cache, scope, receive, answer, partial(self._fetch, route, None))
            else:
                await self._fetch(route, admitted.principal, scope, receive, answer, head)
        except ClientLeft:
            trail.outcome = "left"
        except _CUT_SHORT as refusal:
            if not answer.has_begun:
                raise
            # Returning without the answer's end makes the server cut the connection: the client sees that it is short.
            trail.outcome = "cut"
            log.warning("answer_cut_short", upstream=route.service, path=route.path, reason=refusal.slug())
            if isinstance(refusal, ClientIsSlow):
                connections.cut(scope)

    async def _admitted(self, route: Route, scope: Scope) -> Admitted:
        """Who asks. Raises what the gatekeeper refuses, and QuotaIsExceeded."""
        verifier = scope["app"].state.verifier
        try:
            return await self._gatekeeper.admit(route, scope["method"], scope["headers"], verifier=verifier)
        except Unauthenticated:
            # Whoever guesses is counted, too, by what is known of them: their address.
            if self._limits is not None:
                await self._take(self._limits, route, scope, Admitted([]))
            raise

    async def _take(self, limits: Limits, route: Route, scope: Scope, admitted: Admitted) -> list[tuple[bytes, bytes]]:
        """Count the request, and what its answer says of that."""
        address = client_address(scope, self._trusted)
        limit_class, caller, key_id = route.policy.limit_class, admitted.principal, admitted.key_id
        return (await limits.take(limit_class, address=address, principal=caller, key_id=key_id)).headers

    async def _fetch(
        self,
        route: Route,
        caller: Principal | None,
        scope: Scope,
        receive: Receive,
        send: Send,
        head: Head | None = None,
    ) -> None:
        """Ask the service: alone, or together with a twin. The head is read again where it may be another one."""
        head = head or domain.read_head(scope["headers"])
        exchange = Exchange(receive, route, has_body=head.has_body, trail=scope["state"][TRAIL])
        key = head.idempotency_key if caller and route.keeps_answer else None
        body = await exchange.read(twins.LONGEST_BODY if key else 0)
        asked = self._asked(route, scope, head, exchange)
        may_repeat = route.policy.retries and body is not None and (bool(key) or asked.method in _IDEMPOTENT)
        forward_to = partial(
            service.forward,
            self._session,
            self._upstreams.door(route.service),
            exchange,
            asked,
            priority=route.policy.priority,
            may_repeat=may_repeat,
        )
        if caller and key and body is not None:
            twin = twins.twin_key(caller, asked.method, asked.url, key, body)
            await self._twins.join(twin, send, forward_to, trail=exchange.trail)
        else:
            await forward_to(send)

    def _asked(self, route: Route, scope: Scope, head: Head, exchange: Exchange) -> Asked:
        client = client_address(scope, self._trusted)
        origin = domain.origin_of(scope, head, client=client, trusted=self._trusted)
        body, own = exchange.body(), _own_headers(scope)
        if head.length and body is not None and not isinstance(body, bytes):
            # Of bytes, the client that sends them knows it.
            own["content-length"] = str(head.length)
        return Asked(
            service=route.service,
            method=scope["method"],
            url=self._routing.upstreams[route.service].url + _target(scope),
            headers=domain.request_headers(scope["headers"], origin=origin, own=own),
            body=body,
            answer_seconds=route.policy.answer_seconds,
            idle_seconds=route.policy.idle_seconds,
        )


class _Answer:
    """Adds the gateway's own headers, and remembers whether the client has got the beginning of an answer."""

    __slots__ = ("_send", "_trail", "has_begun", "headers")

    def __init__(self, send: Send, trail: Trail) -> None:
        self._send = send
        self._trail = trail
        self.has_begun = False
        self.headers: Headers = []

    def __call__(self, message: MutableMapping[str, Any]) -> Awaitable[None]:
        if not self.has_begun:
            self.has_begun = True
            message["headers"] = [*message["headers"], *self.headers, (b"server-timing", self._trail.answer_begins())]
        return self._send(message)


def _target(scope: Scope) -> str:
    """Path and query as the client wrote them: decoding and encoding again would change some."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    query: bytes = scope["query_string"]
    return raw.decode("latin-1") + (f"?{query.decode('latin-1')}" if query else "")


def _own_headers(scope: Scope) -> dict[str, str]:
    request_id: Any = scope.get("state", {}).get("request_id", "")
    own = {"x-request-id": str(request_id)}
    if traceparent := context.traceparent():
        own["traceparent"] = traceparent
    return own
