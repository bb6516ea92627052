"""A server that speaks OpenAI's API on a socket of its own, and says one word at a time."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

WORDS = ["An", " outbox", " keeps", " events", "."]
MODEL = "stoa-test"


class Models:
    """What it was asked, and the levers: each streamed word after the first waits for `go_on`."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[dict[str, Any]] = []
        self.go_on = threading.Event()
        #: A client hung up before its answer was whole.
        self.left = threading.Event()

    def forget(self) -> None:
        self.asked.clear()
        self.go_on.clear()
        self.left.clear()

    async def list(self, _request: web.Request) -> web.Response:
        listed = {"id": MODEL, "object": "model", "created": 0, "owned_by": "stoa"}
        return web.json_response({"object": "list", "data": [listed]})

    async def chat(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        self.asked.append({"path": request.path, "headers": dict(request.headers), "body": asked})
        if asked.get("stream"):
            return await self._say(request)
        message = {"role": "assistant", "content": "".join(WORDS)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
        shape = {"id": "c", "object": "chat.completion", "created": 0, "model": MODEL}
        return web.json_response(shape | {"choices": [choice], "usage": usage})

    async def _say(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        try:
            for number, word in enumerate(WORDS):
                if number:
                    await self._until_told()
                await answer.write(_event(_chunk(word)))
            await answer.write(b"data: [DONE]\n\n")
        except (ConnectionError, asyncio.CancelledError):
            self.left.set()
            raise
        return answer

    async def _until_told(self) -> None:
        while not self.go_on.is_set():
            await asyncio.sleep(0.02)


def _chunk(word: str) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"role": "assistant", "content": word}, "finish_reason": None}
    return {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": MODEL, "choices": [choice]}


def _event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


@contextmanager
def serving() -> Iterator[Models]:
    """Runs in a thread, since the client under test blocks."""
    models, loop = Models(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(_start(models), loop).result(10)
    try:
        yield models
    finally:
        models.go_on.set()
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _start(models: Models) -> web.AppRunner:
    app = web.Application()
    app.router.add_get("/v1/{below:(?:\\w+/)?}models", models.list)
    app.router.add_post("/v1/{below:(?:\\w+/)?}chat/completions", models.chat)
    # A handler is cancelled when its client hangs up, as a model's server stops writing.
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    models.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    return runner
