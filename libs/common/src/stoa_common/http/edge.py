"""The request's edge: its id and correlation, span and metrics, its limit in bytes, the answer to what went wrong."""

import asyncio
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from opentelemetry.trace import Span
from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stoa_common import context, metrics, telemetry
from stoa_common.errors import Refusal, TooLarge, Unavailable
from stoa_common.http import problems
from stoa_common.ids import new_id

REQUEST_ID: Final = b"x-request-id"
#: What proxies say where a client left before it was answered; it never goes out.
CLIENT_LEFT: Final = 499
#: Probes come every few seconds: they are no requests of anybody's.
QUIET_PATHS: Final = frozenset({"/livez", "/readyz", "/metrics"})
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_LONGEST_ADDRESS: Final = 100
_LONGEST_AGENT: Final = 300
_SOUND_ID: Final = re.compile(rb"[A-Za-z0-9._:-]{8,128}")


@dataclass(slots=True)
class Answered:
    """What became of a request: its status (499 where the client left before), seconds, and bytes of body sent."""

    status: int = 0
    seconds: float = 0.0
    sent: int = 0
    #: The kind of problem that the answer is, as far as it was raised.
    problem: str = ""


Observe = Callable[[Scope, Answered], None]


def count(scope: Scope, answered: Answered) -> None:
    """Rate, errors and duration (RED) of each route, for `/metrics`."""
    method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
    _seconds_of(method, _route(scope) or "unmatched", answered.status).observe(answered.seconds)


@lru_cache(maxsize=4096)
def _seconds_of(method: str, route: str, status: int) -> Histogram:
    """Finding it by its labels costs more than counting."""
    return metrics.REQUESTS.labels(method, route, str(status))


class BodyIsTooLarge(TooLarge):
    """The request's body is over the service's limit."""


class ProcessEnds(Unavailable):
    """The process was told to end, and could not wait for this request any longer."""

    def __init__(self) -> None:
        super().__init__("The service restarts; send the request again.")


class Edge:
    """Pure ASGI, so that streams pass through it unbuffered. `observe` is told when a request is over."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int, observe: Observe = count) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head = _Head(scope)
        scope.setdefault("state", {})["request_id"] = head.request_id
        answer = _Answer(send, head.request_id, path=scope["path"])
        if scope["path"] in QUIET_PATHS:
            await self._guarded(scope, self._limited(receive, answer, head), answer)
            return
        started, method = time.perf_counter(), scope["method"]
        with (
            context.use(head.context(scope)),
            telemetry.request_span(method, scope["scheme"], head.traceparent) as span,
        ):
            try:
                await self._guarded(scope, self._limited(receive, answer, head), answer)
            finally:
                answer.told.seconds = time.perf_counter() - started
                self._end(scope, answer, span)

    def _end(self, scope: Scope, answer: "_Answer", span: Span) -> None:
        answer.told.status = answer.told.status or CLIENT_LEFT
        telemetry.answered(span, method=scope["method"], route=_route(scope), status=answer.told.status)
        self._observe(scope, answer.told)

    async def _guarded(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        try:
            await self._app(scope, receive, answer)
        except asyncio.CancelledError:
            if not answer.told.status:
                await answer.refuse(ProcessEnds(), scope, receive)
            raise
        except Refusal as refusal:
            if answer.told.status:
                raise
            await answer.refuse(refusal, scope, receive)
        except Exception as error:
            if answer.told.status:
                # Half an answer is out: only a broken connection tells the client that the rest is missing.
                raise
            response = problems.failed(error, path=scope["path"], instance=answer.request_id)
            await response(scope, receive, answer)

    def _limited(self, receive: Receive, answer: "_Answer", head: "_Head") -> Receive:
        limit = self._max_body_bytes
        if limit == sys.maxsize:
            return receive
        seen = limit if head.length > limit else 0

        async def receive_within_limit() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                answer.refusal = BodyIsTooLarge(f"Send at most {limit} bytes.")
                raise answer.refusal
            return message

        return receive_within_limit


class _Head:
    """What the edge reads of a request's headers, in one pass."""

    __slots__ = ("_agent", "_forwarded", "length", "request_id", "traceparent")

    def __init__(self, scope: Scope) -> None:
        self.length, self.request_id, self.traceparent = 0, "", None
        self._forwarded, self._agent = "", None
        for name, value in scope["headers"]:
            if name == b"content-length":
                self.length = int(value) if value.strip().isdigit() else 0
            elif name == REQUEST_ID:
                self.request_id = value.decode() if _SOUND_ID.fullmatch(value) else ""
            elif name == b"traceparent":
                self.traceparent = value.decode("latin-1")
            elif name == b"x-forwarded-for":
                self._forwarded = value.decode("latin-1")
            elif name == b"user-agent":
                self._agent = value.decode("latin-1")[:_LONGEST_AGENT]
        self.request_id = self.request_id or str(new_id())

    def context(self, scope: Scope) -> context.Context:
        # The gateway drops a client's own header and writes where the request came from.
        forwarded = self._forwarded.rpartition(",")[2].strip()
        address = forwarded or next(iter(scope.get("client") or ()), None)
        return context.Context(
            correlation_id=self.request_id,
            address=address[:_LONGEST_ADDRESS] if address else None,
            user_agent=self._agent,
        )


class _Answer:
    """Remembers what went out, and names the request on the way.

    Frameworks turn an error that `receive` raises into an answer of their own; `refusal` goes out in its place.
    """

    __slots__ = ("_is_replaced", "_path", "_send", "refusal", "request_id", "told")

    def __init__(self, send: Send, request_id: str, *, path: str) -> None:
        self.request_id = request_id
        self.refusal: BodyIsTooLarge | None = None
        self.told = Answered()
        self._send = send
        self._path = path
        self._is_replaced = False

    async def __call__(self, message: Message) -> None:
        if self._is_replaced:
            return
        if message["type"] == "http.response.start":
            if self.refusal:
                await self._replace(self.refusal)
                return
            self.told.status = message["status"]
            headers = [pair for pair in message.get("headers", ()) if pair[0].lower() != REQUEST_ID]
            message["headers"] = [*headers, (REQUEST_ID, self.request_id.encode())]
        else:
            self.told.sent += len(message.get("body", b""))
        await self._send(message)

    async def refuse(self, refusal: Refusal, scope: Scope, receive: Receive) -> None:
        self.told.problem = refusal.slug()
        await problems.render(refusal, instance=self.request_id, path=self._path)(scope, receive, self)

    async def _replace(self, refusal: BodyIsTooLarge) -> None:
        self._is_replaced, self.told.status, self.told.problem = True, refusal.status, refusal.slug()
        response = problems.render(refusal, instance=self.request_id, path=self._path)
        headers = [*response.raw_headers, (REQUEST_ID, self.request_id.encode()), (b"connection", b"close")]
        await self._send({"type": "http.response.start", "status": self.told.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": bytes(response.body)})


def _route(scope: Scope) -> str:
    route: Any = scope.get("route")
    return getattr(route, "path", "") or ""
