"""A content service behind the gateways: takes orders, and tells how often each was taken; slow files and live events.

`python behind.py PORT` serves until it is ended.
"""

import asyncio
import hashlib
import sys
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

PATH = "/api/v1/content"
PIECE, PIECES, PIECE_SECONDS = bytes(range(256)) * 64, 60, 0.1
EVENTS, EVENT_SECONDS = 25, 0.2

app = FastAPI()
taken: Counter[str] = Counter()
PUBLIC: dict[str, Any] = {"openapi_extra": {"x-public": True}}


@app.get(f"{PATH}/things/{{name}}", **PUBLIC)
async def read_thing(name: str) -> dict[str, str]:
    await asyncio.sleep(0.3)
    return {"name": name}


@app.post(f"{PATH}/orders/{{name}}", **PUBLIC)
async def take_order(name: str, request: Request) -> dict[str, str]:
    """Has its effect again each time that it comes."""
    digest = hashlib.sha256(await request.body()).hexdigest()
    taken[name] += 1
    await asyncio.sleep(0.4)
    return {"name": name, "sha256": digest}


@app.get(f"{PATH}/orders", **PUBLIC)
async def count_orders() -> dict[str, int]:
    return dict(taken)


@app.get(f"{PATH}/file", **PUBLIC)
async def read_file() -> StreamingResponse:
    return StreamingResponse(_pieces(), media_type="application/octet-stream")


@app.get(f"{PATH}/events", **PUBLIC)
async def follow() -> StreamingResponse:
    return StreamingResponse(_events(), media_type="text/event-stream")


async def _pieces() -> AsyncIterator[bytes]:
    for _ in range(PIECES):
        yield PIECE
        await asyncio.sleep(PIECE_SECONDS)


async def _events() -> AsyncIterator[bytes]:
    for number in range(EVENTS):
        yield f"data: {number}\n\n".encode()
        await asyncio.sleep(EVENT_SECONDS)


if __name__ == "__main__":
    # As Stoa's services: longer than a gateway keeps a connection, so that none is closed just as it is used again.
    keeping = 75
    port = int(sys.argv[1])
    uvicorn.run(app, port=port, log_config=None, access_log=False, lifespan="off", timeout_keep_alive=keeping)
