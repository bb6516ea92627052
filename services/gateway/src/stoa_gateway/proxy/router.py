"""HTTP in, for every path that the gateway does not answer itself. Plain ASGI: a framework's route would cost more."""

from functools import partial
from typing import Any, Final
from urllib.parse import quote

import aiohttp
from opentelemetry import trace
from starlette.types import Message, Receive, Scope, Send

from stoa_common import context, sse
from stoa_common.errors import Unauthenticated
from stoa_common.logs import get_logger
from stoa_common.resources import Resources
from stoa_common.security import Principal
from stoa_gateway.caching.service import Cache
from stoa_gateway.identity.service import Admitted, Gatekeeper
from stoa_gateway.limits.service import Limits
from stoa_gateway.origins.service import AllowedOrigins
from stoa_gateway.proxy import domain, service, twins
from stoa_gateway.proxy.domain import BodyIsSlow, BodyIsTooLarge, Head, Networks
from stoa_gateway.proxy.exchange import ClientIsSlow, ClientLeft, Exchange
from stoa_gateway.proxy.provider import AnswerIsBroken, Asked, ServiceTimedOut
from stoa_gateway.proxy.twins import Twins
from stoa_gateway.routing.domain import Route
from stoa_gateway.routing.service import Routing
from stoa_gateway.upstreams.service import Upstreams

#: What may be asked twice without doing it twice (RFC 9110, section 9.2.2).
_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})
#: What ends an exchange whose answer has begun; before that, each is an answer of its own.
_CUT_SHORT: Final = (AnswerIsBroken, ServiceTimedOut, ClientIsSlow, BodyIsSlow, BodyIsTooLarge)
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
        route = await self._routing.find(scope["method"], scope["path"])
        _name_after(route, scope)
        policy = route.policy
        self._upstreams.ensure_time(policy.priority)
        head = domain.read_head(scope["headers"])
        domain.check_body(head, max_bytes=policy.max_body_bytes, content_types=policy.content_types)
        admitted = await self._admitted(route, scope)
        scope["headers"] = admitted.headers
        if self._origins is not None:
            self._origins.check(scope.get("state", {}), admitted.principal)
        answer = _Answer(send)
        if self._limits is not None:
            answer.headers = await self._take(self._limits, route, scope, admitted)
        try:
            if policy.cache is not None and route.is_public and self._cache is not None:
                await self._cache.serve(policy.cache, scope, receive, answer, partial(self._fetch, route, None))
            else:
                await self._fetch(route, admitted.principal, scope, receive, answer, head)
        except ClientLeft:
            return
        except _CUT_SHORT as refusal:
            if not answer.has_begun:
                raise
            # Returning without the answer's end makes the server cut the connection: the client sees that it is short.
            log.warning("answer_cut_short", upstream=route.service, path=route.path, reason=refusal.slug())
            if isinstance(refusal, ClientIsSlow):
                sse.cut(scope)

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
        address = domain.client_address(scope, self._trusted)
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
        exchange = Exchange(receive, route, has_body=head.has_body)
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
            await self._twins.join(twin, send, forward_to)
        else:
            await forward_to(send)

    def _asked(self, route: Route, scope: Scope, head: Head, exchange: Exchange) -> Asked:
        client = domain.client_address(scope, self._trusted)
        origin = domain.origin_of(scope, head, client=client, trusted=self._trusted)
        return Asked(
            service=route.service,
            method=scope["method"],
            url=self._routing.upstreams[route.service].url + _target(scope),
            headers=domain.request_headers(scope["headers"], origin=origin, own=_own_headers(scope)),
            body=exchange.body(),
            answer_seconds=route.policy.answer_seconds,
            idle_seconds=route.policy.idle_seconds,
        )


class _Answer:
    """Adds the gateway's own headers, and remembers whether the client has got the beginning of an answer."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False
        self.headers: list[tuple[bytes, bytes]] = []

    async def __call__(self, message: Message) -> None:
        if not self.has_begun:
            self.has_begun = True
            if self.headers:
                message["headers"] = [*message["headers"], *self.headers]
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


def _own_headers(scope: Scope) -> dict[str, str]:
    request_id: Any = scope.get("state", {}).get("request_id", "")
    own = {"x-request-id": str(request_id)}
    if traceparent := context.traceparent():
        own["traceparent"] = traceparent
    return own
