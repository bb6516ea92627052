"""`Router`: FastAPI's router with what every route of ours has: an answer to 'who may?', and idempotent writes."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from stoa_common import audit
from stoa_common.http import idempotency
from stoa_common.http.access import KEEPS_ANSWER, PERMISSION, PUBLIC

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class RouteIsOpen(TypeError):
    """A route says neither `require(...)` nor `public()`."""


class _Route(APIRoute):
    """Keeps the answer of an idempotent write in the transaction of its effect, and replays it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                response = await handle(request)
            except idempotency.AlreadyAnswered as known:
                return known.response
            # Still inside the unit of work: the session commits after this returns, before anything is sent.
            await idempotency.keep(request, response)
            return response

        return answer


class Router(APIRouter):
    """Routes of one feature. Each needs `**require(...)` or `**public()`."""

    def __init__(self, *, prefix: str, tags: list[str], **kwargs: Any) -> None:
        super().__init__(prefix=prefix, tags=list(tags), route_class=_Route, **kwargs)

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **kwargs: Any) -> None:
        extra = dict(kwargs.get("openapi_extra") or {})
        if PERMISSION not in extra and PUBLIC not in extra:
            raise RouteIsOpen(f"{endpoint.__qualname__} must say **require(...) or **public().")
        is_write = bool(WRITES & set(kwargs.get("methods") or ()))
        keeps_answer = extra.pop(KEEPS_ANSWER, False) and is_write
        kwargs["openapi_extra"] = extra
        kwargs["responses"] = {**_PROBLEMS, **(kwargs.get("responses") or {})}
        kwargs.setdefault("operation_id", None)
        kwargs["operation_id"] = kwargs["operation_id"] or endpoint.__name__
        if keeps_answer:
            # After the permission check: a stranger must not learn that a key exists.
            kwargs["dependencies"] = [*(kwargs.get("dependencies") or ()), Depends(idempotency.claim, scope="function")]
        if is_write and PERMISSION in extra:
            kwargs["dependencies"] = [*(kwargs.get("dependencies") or ()), Depends(audit.record_impersonated)]
        super().add_api_route(path, endpoint, **kwargs)


_PROBLEMS: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem (RFC 9457)",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}
