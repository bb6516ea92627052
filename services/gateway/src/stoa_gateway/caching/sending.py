"""Kept and fresh answers to a client, each with the word of what became of it here (`Cache-Status`, RFC 9211)."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stoa_gateway.caching import domain
from stoa_gateway.caching.domain import Answer

_STATUS: Final = b"cache-status"
_NAME: Final = b"stoa; "
_WITHOUT_LENGTH: Final = frozenset({204, 304})


async def send_answer(answer: Answer, scope: Scope, send: Send, *, status: bytes, age: int | None = None) -> None:
    """The answer as this request wants it: 304 to who has it already, and no body for HEAD."""
    has_it = answer.status == 200 and domain.is_known(answer, scope["headers"])
    shown = domain.not_modified(answer) if has_it else answer
    headers = [*shown.headers, (_STATUS, _NAME + status)]
    if age is not None:
        headers.append((b"age", b"%d" % age))
    if shown.status not in _WITHOUT_LENGTH and shown.header(b"content-length") is None:
        headers.append((b"content-length", b"%d" % len(shown.body)))
    await send({"type": "http.response.start", "status": shown.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else shown.body})


async def send_through(fetch: ASGIApp, scope: Scope, receive: Receive, send: Send, *, status: bytes) -> None:
    """What the service answers to this very request, as it comes."""

    async def send_marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (_STATUS, _NAME + status)]
        await send(message)

    await fetch(scope, receive, send_marked)
