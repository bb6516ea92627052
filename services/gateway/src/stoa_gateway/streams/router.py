"""`/api/v1/stream`: what concerns a person, as it happens.

There are thousands of these answers at once, each open for as long as its token counts. So the request is over when the
stream has begun: its line in the log, its span and its count tell of the beginning, and another line of the end.
"""

import time
from collections.abc import Awaitable
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Receive, Scope, Send

from stoa_common import logs
from stoa_common.errors import MethodNotAllowed, Refusal, Unauthenticated
from stoa_common.http import problems
from stoa_common.http.edge import Edge, Observe
from stoa_common.http.problems import Problem
from stoa_common.resources import Resources
from stoa_gateway.identity.service import Admitted, Gatekeeper
from stoa_gateway.limits.addresses import client_address
from stoa_gateway.limits.quotas import Headers
from stoa_gateway.limits.service import Limits
from stoa_gateway.origins.service import AllowedOrigins
from stoa_gateway.routing.domain import Document, Route, Upstream
from stoa_gateway.routing.service import Routing
from stoa_gateway.settings import Settings
from stoa_gateway.streams import domain
from stoa_gateway.streams.listener import Listener
from stoa_gateway.streams.notices import NOTICES
from stoa_gateway.streams.service import Streams

PATH: Final = "/api/v1/stream"
OWNER: Final = Upstream("gateway", "", (PATH,))
#: Whoever may see their account hears of it; of the rest, what their other permissions allow.
PERMISSION: Final = "account:read"
_ROUTE: Final = Route("gateway", "GET", PATH, is_public=False, permission=PERMISSION)
_LONGEST_PLACE: Final = 100
_LONGEST_BODY: Final = 1024
log = logs.get_logger()


class StreamDoor:
    """Middleware that answers the path of streams itself."""

    def __init__(self, app: ASGIApp, *, observe: Observe) -> None:
        self._app = app
        self._edge = Edge(_answer, max_body_bytes=_LONGEST_BODY, observe=observe)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # No coroutine of its own: every request passes here.
        is_ours = scope["type"] == "http" and scope["path"] == PATH
        return self._edge(scope, receive, send) if is_ours else self._app(scope, receive, send)


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    scope["route"] = _ROUTE
    resources: Resources = scope["app"].state.resources
    streams, request_id = resources.get(Streams), str(scope["state"]["request_id"])
    try:
        listener, quotas = await _admitted(scope, resources)
        streams.add(listener)
    except Refusal as refusal:
        await problems.render(refusal, instance=request_id, path=PATH)(scope, receive, send)
        return
    try:
        await streams.begin(listener, after=_place(scope), request_id=request_id)
        closed = partial(_end, streams, listener, request_id, time.monotonic())
        await listener.outlet.serve(scope, send, headers=quotas, closed=closed)
    except BaseException:
        streams.remove(listener)
        raise


def _end(streams: Streams, listener: Listener, request_id: str, began: float) -> None:
    streams.remove(listener)
    log.info("stream_ended", correlation_id=request_id, seconds=round(time.monotonic() - began, 3))


async def _admitted(scope: Scope, resources: Resources) -> tuple[Listener, Headers]:
    """Whoever may listen, from a page that may ask; and what their answer says of their quotas.

    Raises MethodNotAllowed; what the gatekeeper refuses; OriginIsForeign; QuotaIsExceeded; MissingPermission.
    """
    if scope["method"] != "GET":
        raise MethodNotAllowed("Streams are read with GET.", headers={"Allow": "GET"})
    app = scope["app"]
    try:
        admitted = await resources.get(Gatekeeper).admit(_ROUTE, "GET", scope["headers"], verifier=app.state.verifier)
    except Unauthenticated:
        # Whoever guesses is counted by their address, here as at all other paths.
        await _take(scope, resources, Admitted([]))
        raise
    assert admitted.principal is not None
    resources.get(AllowedOrigins).check(scope.get("state", {}), admitted.principal)
    quotas = await _take(scope, resources, admitted)
    admitted.principal.scope(PERMISSION)
    token = next(value for name, value in admitted.headers if name.lower() == b"authorization").split()[1].decode()
    return Listener(admitted.principal, issued_at=domain.issued_at(token), app=app), quotas


async def _take(scope: Scope, resources: Resources, admitted: Admitted) -> Headers:
    """Count the stream as a request of its class, and what its answer says of that. Raises QuotaIsExceeded."""
    policy = resources.get(Routing).policy_of("GET", PATH)
    address = client_address(scope, resources.get(Settings).proxies())
    caller, key_id = admitted.principal, admitted.key_id
    limits = resources.get(Limits)
    return (await limits.take(policy.limit_class, address=address, principal=caller, key_id=key_id)).headers


def _place(scope: Scope) -> str | None:
    """The header goes first: browsers that come back send it with the address that they began with."""
    named = [value.decode("latin-1") for name, value in scope["headers"] if name == b"last-event-id"]
    named += parse_qs(scope["query_string"].decode("latin-1")).get("after", [])
    return named[0][:_LONGEST_PLACE] if named and named[0] else None


def _told() -> str:
    rows = sorted(
        f"| `{event.type}` | {notice.audience} | {', '.join(f'`{name}`' for name in notice.fields) or 'nothing'} |"
        for event, notice in NOTICES.items()
    )
    return "\n".join(["| event | who is told | `data` |", "| --- | --- | --- |", *rows])


_DESCRIPTION: Final = f"""Each event is named by its type; its data hold the id of what happened (`id`), its `time`, \
where to read more (`resource`), and in `data` what the table says. An event may come twice: its `id` tells. Come back \
with `Last-Event-ID` to go on where the last stream ended. `reset` says that some are gone: read the resources again. \
The stream ends with the access token, with `error`; so for an API key or a cookie each minute.

{_told()}"""


def _parameter(name: str, place: str, description: str) -> dict[str, Any]:
    schema = {"type": "string", "maxLength": _LONGEST_PLACE}
    return {"name": name, "in": place, "required": False, "description": description, "schema": schema}


def _problem_schemas() -> dict[str, Any]:
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs"), "Problem": schema}


DOCUMENT: Final[Document] = {
    "openapi": "3.1.0",
    "info": {"title": "Stoa gateway", "version": "1"},
    "tags": [{"name": "stream", "description": "What concerns a person, as it happens."}],
    "paths": {
        PATH: {
            "get": {
                "operationId": "stream_notices",
                "x-permission": PERMISSION,
                "summary": "Follow what concerns you",
                "description": _DESCRIPTION,
                "tags": ["stream"],
                "parameters": [
                    _parameter("last-event-id", "header", "The last id that arrived."),
                    _parameter("after", "query", "The same, for clients without the header."),
                ],
                "responses": {
                    "200": {
                        "description": "Events (Server-Sent Events), as long as the token counts.",
                        "content": {"text/event-stream": {"schema": {"type": "string"}}},
                    },
                    "default": {
                        "description": "A problem (RFC 9457)",
                        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
                    },
                },
            }
        }
    },
    "components": {"schemas": _problem_schemas()},
}
"""What the merged document says of it."""
