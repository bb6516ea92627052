"""The request's edge: its id and correlation, its metrics, its limit in bytes, the answer to an unexpected error."""

import asyncio
import re
import time
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stoa_common import context, metrics
from stoa_common.errors import TooLarge, Unavailable
from stoa_common.http import problems
from stoa_common.ids import new_id

REQUEST_ID: Final = b"x-request-id"
FORWARDED_FOR: Final = b"x-forwarded-for"
USER_AGENT: Final = b"user-agent"
_TOLD_BY_CLIENTS: Final = frozenset({FORWARDED_FOR, USER_AGENT})
_LONGEST_ADDRESS: Final = 100
_LONGEST_AGENT: Final = 300
_SOUND_ID: Final = re.compile(rb"[A-Za-z0-9._:-]{8,128}")


class BodyIsTooLarge(TooLarge):
    """The request's body is over the service's limit."""


class ProcessEnds(Unavailable):
    """The process was told to end, and could not wait for this request any longer."""

    def __init__(self) -> None:
        super().__init__("The service restarts; send the request again.")


class Edge:
    """Pure ASGI, so that streams pass through it unbuffered."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        answer = _Answer(send, request_id, path=scope["path"])
        started = time.perf_counter()
        with context.use(_context(scope, request_id)):
            await self._guarded(scope, receive, answer, request_id)
        _observe(scope, answer.status, time.perf_counter() - started)

    async def _guarded(self, scope: Scope, receive: Receive, answer: "_Answer", request_id: str) -> None:
        try:
            await self._app(scope, self._limited(scope, receive, answer), answer)
        except asyncio.CancelledError:
            if not answer.status:
                await problems.render(ProcessEnds(), instance=request_id, path=scope["path"])(scope, receive, answer)
            raise
        except Exception as error:
            if answer.status:
                # Half an answer is out: only a broken connection tells the client that the rest is missing.
                raise
            response = problems.failed(error, path=scope["path"], instance=request_id)
            await response(scope, receive, answer)

    def _limited(self, scope: Scope, receive: Receive, answer: "_Answer") -> Receive:
        limit = self._max_body_bytes
        seen = limit if _declared_length(scope) > limit else 0

        async def receive_within_limit() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                answer.refusal = BodyIsTooLarge(f"Send at most {limit} bytes.")
                raise answer.refusal
            return message

        return receive_within_limit


class _Answer:
    """Remembers the status, and names the request on the way out.

    Frameworks turn an error that `receive` raises into an answer of their own; `refusal` goes out in its place.
    """

    def __init__(self, send: Send, request_id: str, *, path: str) -> None:
        self._send = send
        self._request_id = request_id
        self._path = path
        self._is_replaced = False
        self.refusal: BodyIsTooLarge | None = None
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if self._is_replaced:
            return
        if message["type"] == "http.response.start":
            if self.refusal:
                await self._refuse(self.refusal)
                return
            self.status = message["status"]
            headers = [(name, value) for name, value in message.get("headers", ()) if name.lower() != REQUEST_ID]
            message["headers"] = [*headers, (REQUEST_ID, self._request_id.encode())]
        await self._send(message)

    async def _refuse(self, refusal: BodyIsTooLarge) -> None:
        self._is_replaced, self.status = True, refusal.status
        response = problems.render(refusal, instance=self._request_id, path=self._path)
        headers = [*response.raw_headers, (REQUEST_ID, self._request_id.encode()), (b"connection", b"close")]
        await self._send({"type": "http.response.start", "status": self.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": bytes(response.body)})


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == REQUEST_ID and _SOUND_ID.fullmatch(value):
            return str(value.decode())
    return str(new_id())


def _context(scope: Scope, request_id: str) -> context.Context:
    headers = {name: value.decode("latin-1") for name, value in scope["headers"] if name in _TOLD_BY_CLIENTS}
    # The gateway drops a client's own header and writes where the request came from.
    forwarded = headers.get(FORWARDED_FOR, "").rpartition(",")[2].strip()
    address = forwarded or next(iter(scope.get("client") or ()), None)
    agent = headers.get(USER_AGENT)
    return context.Context(
        correlation_id=request_id,
        address=address[:_LONGEST_ADDRESS] if address else None,
        user_agent=agent[:_LONGEST_AGENT] if agent else None,
    )


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _observe(scope: Scope, status: int, seconds: float) -> None:
    route: Any = scope.get("route")
    path = getattr(route, "path", "") or "unmatched"
    metrics.REQUESTS.labels(scope["method"], path, str(status)).observe(seconds)
