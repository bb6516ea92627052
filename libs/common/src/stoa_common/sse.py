"""Server-Sent Events (WHATWG HTML, section 9.2): framing, a heartbeat, and nothing buffered."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.responses import StreamingResponse

HEARTBEAT_SECONDS: Final = 15.0
_HEARTBEAT: Final = b": heartbeat\n\n"


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event: its name, its data as JSON, and the id that `Last-Event-ID` will bring back."""

    event: str
    data: Any
    id: str | None = None

    def encode(self) -> bytes:
        head = f"id: {self.id}\n" if self.id is not None else ""
        return f"{head}event: {self.event}\ndata: ".encode() + orjson.dumps(self.data) + b"\n\n"


class EventStream(StreamingResponse):
    """Answers with events as they come; a comment every 15 s keeps proxies from closing a silent stream."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[ServerEvent], status_code: int = 200) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(_with_heartbeat(events), status_code, headers=headers)


async def _with_heartbeat(events: AsyncIterator[ServerEvent]) -> AsyncIterator[bytes]:
    iterator = aiter(events)
    following: asyncio.Task[ServerEvent] = asyncio.ensure_future(anext(iterator))
    try:
        while True:
            done, _ = await asyncio.wait([following], timeout=HEARTBEAT_SECONDS)
            if not done:
                yield _HEARTBEAT
                continue
            try:
                event = following.result()
            except StopAsyncIteration:
                return
            yield event.encode()
            following = asyncio.ensure_future(anext(iterator))
    finally:
        await _close(following, iterator)


async def _close(following: "asyncio.Task[ServerEvent]", iterator: Any) -> None:
    """The client left: end the source, so that it can record what it did."""
    if not following.done():
        following.cancel()
        await asyncio.wait([following])
    if close := getattr(iterator, "aclose", None):
        await close()
