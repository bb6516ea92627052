"""A server of models that is taken away: it speaks OpenAI's API, a word at a time, and notes what it was asked.

`python model_server.py PORT NOTES` serves until it is ended; each question is a line in the file NOTES.
"""

import asyncio
import contextlib
import json
import re
import sys
from pathlib import Path
from typing import Any

from aiohttp import web

MODEL = "stoa-test"
WORDS = ["An", " outbox", " keeps", " what", " happened", " [1]."]
#: So an answer is on its way for long enough to be cut.
WORD_SECONDS = 0.2
#: What a client puts into a question, to find it again.
MARK = re.compile(r"q-[0-9a-f]{16}")


def app(notes: Path) -> web.Application:
    async def chat(request: web.Request) -> web.StreamResponse:
        with notes.open("a") as file:
            file.writelines(f"{mark}\n" for mark in set(MARK.findall(await request.text())))
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        # Whoever asked may have given up meanwhile.
        with contextlib.suppress(ConnectionError):
            await answer.prepare(request)
            await _say(answer)
        return answer

    served = web.Application()
    served.router.add_get("/v1/models", _list)
    served.router.add_post("/v1/chat/completions", chat)
    return served


async def _say(answer: web.StreamResponse) -> None:
    for word in WORDS:
        await answer.write(_event(_chunk(word)))
        await asyncio.sleep(WORD_SECONDS)
    await answer.write(_event(_chunk("", finish="stop")))
    await answer.write(b"data: [DONE]\n\n")


async def _list(_request: web.Request) -> web.Response:
    listed = {"id": MODEL, "object": "model", "created": 0, "owned_by": "stoa"}
    return web.json_response({"object": "list", "data": [listed]})


def _chunk(word: str, *, finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": word}, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": MODEL, "choices": [choice]}


def _event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


if __name__ == "__main__":
    web.run_app(
        app(Path(sys.argv[2])),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        access_log=None,
        print=None,
        # As Stoa's services: longer than a gateway keeps a connection, so that none is closed just as it is used again.
        keepalive_timeout=75,
        shutdown_timeout=1,
        handler_cancellation=True,
    )
