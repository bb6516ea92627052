"""A content service as a process of its own, so that a test can stop, continue and kill it.

`python loopback.py PORT` serves until it is ended.
"""

import asyncio
import hashlib
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import uvicorn

PATH = "/api/v1/content"
Answer = Callable[[dict[str, Any], Callable[[], Awaitable[Any]]], Awaitable[bytes]]
PUBLIC = {"x-public": True, "responses": {"200": {"description": "ok"}}}
KEPT = {
    "x-permission": "course:write",
    "parameters": [{"name": "Idempotency-Key", "in": "header"}],
    "responses": {"200": {"description": "ok"}},
}


class Service:
    """Says how often it was asked, takes bodies of any length, and waits as long as it is told."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["path"] == "/openapi.json":
            return await answer(send, orjson.dumps(document()))
        self.asked += 1
        number = self.asked
        digest, count = hashlib.sha256(), 0
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            more = message.get("more_body", False)
            digest.update(message.get("body", b""))
            count += len(message.get("body", b""))
        if scope["path"].startswith(f"{PATH}/slow"):
            await asyncio.sleep(float(scope["query_string"] or b"0.5"))
        told = {"asked": number, "bytes": count, "sha256": digest.hexdigest()}
        return await answer(send, orjson.dumps(told))


async def answer(send: Any, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def document() -> dict[str, Any]:
    paths = {
        f"{PATH}/quick": {"get": PUBLIC, "post": PUBLIC, "put": PUBLIC},
        f"{PATH}/slow": {"get": PUBLIC, "post": PUBLIC},
        f"{PATH}/slow/kept": {"post": KEPT},
        f"{PATH}/kept": {"post": KEPT},
    }
    return {"openapi": "3.1.0", "info": {"title": "content", "version": "1"}, "paths": paths}


if __name__ == "__main__":
    uvicorn.run(Service(), port=int(sys.argv[1]), log_config=None, access_log=False, lifespan="off")
