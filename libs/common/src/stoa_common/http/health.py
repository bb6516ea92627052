"""`/livez`, `/readyz` and `/metrics`: every process has them, with or without the api role."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response

Check = Callable[[], Awaitable[None]]
CHECK_DEADLINE = 2.0


def router(checks: Mapping[str, Check]) -> APIRouter:
    """`/livez` knows no dependency: restarting does not mend one. `/readyz` asks the process's own.

    A process that was told to end says so by `/readyz`, before anything else of it changes.
    """
    routes = APIRouter(include_in_schema=False)

    @routes.get("/livez")
    async def live() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @routes.get("/readyz")
    async def ready(request: Request) -> JSONResponse:
        if getattr(request.app.state, "is_leaving", False):
            return JSONResponse({"status": "leaving", "parts": {}}, 503)
        names = list(checks)
        results = await asyncio.gather(*(_ask(checks[name]) for name in names))
        parts = dict(zip(names, results, strict=True))
        is_ready = all(result == "ok" for result in results)
        return JSONResponse({"status": "ok" if is_ready else "unready", "parts": parts}, 200 if is_ready else 503)

    @routes.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return routes


async def _ask(check: Check) -> str:
    try:
        await asyncio.wait_for(check(), CHECK_DEADLINE)
    except Exception as error:  # noqa: BLE001  # whatever is wrong with a part, the answer is that it is not ready
        return type(error).__name__
    return "ok"
