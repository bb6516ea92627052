"""The app factory: one FastAPI application a service, with everything that all services promise at their edge."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp

from stoa_common.database import Database
from stoa_common.http import health, problems
from stoa_common.http.edge import Edge, Observe, count
from stoa_common.http.methods import AnswersHead
from stoa_common.http.quick import Quick, ShortWay
from stoa_common.resources import Resources
from stoa_common.security import TokenVerifier

MAX_BODY_BYTES = 1_048_576
#: `Edge` does it: one span a request, without the query, which FastAPI's own would hold.
_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}


def create_app(
    *,
    title: str,
    routers: Sequence[APIRouter],
    resources: Resources,
    verifier: TokenVerifier,
    database: Database | None = None,
    checks: Mapping[str, health.Check] | None = None,
    max_body_bytes: int = MAX_BODY_BYTES,
    observe: Observe = count,
    quick: Sequence[Quick] = (),
) -> FastAPI:
    """Problem details, request ids, health, metrics, traces and an OpenAPI 3.1 document at `/openapi.json`."""
    app = FastAPI(
        title=title,
        version="1",
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
        telemetry=_TELEMETRY,
    )
    app.state.resources = resources
    app.state.verifier = verifier
    app.state.database = database
    problems.install(app)
    app.include_router(health.router(checks or {}))
    for router in routers:
        app.include_router(router)
    app.openapi = _documented(app)  # type: ignore[method-assign]
    framework = app.build_middleware_stack

    def edge() -> ASGIApp:
        """In the place of what answers errors in plain text, outside of all that FastAPI puts around its routes."""
        outermost = framework()
        assert isinstance(outermost, ServerErrorMiddleware)
        inside = outermost.app if database is None else ShortWay(outermost.app, quick, routers, database)
        return Edge(AnswersHead(inside), max_body_bytes=max_body_bytes, observe=observe)

    app.build_middleware_stack = edge  # type: ignore[method-assign]
    return app


def _documented(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """FastAPI's document, with our problem in the place of its own validation error."""
    build = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _with_problems(build())
        return app.openapi_schema

    return openapi


def _with_problems(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schema = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    schemas["Problem"] = schema
    for operations in document.get("paths", {}).values():
        for operation in operations.values():
            operation.get("responses", {}).pop("422", None)
    return document
