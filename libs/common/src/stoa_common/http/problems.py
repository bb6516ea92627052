"""Problem details (RFC 9457): the one shape of every error but SCIM's, and the one place that renders it."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from stoa_common import errors, failures, logs
from stoa_common.errors import FieldError, Invalid, Refusal, Unavailable
from stoa_common.http import openai_errors, scim_errors

MEDIA_TYPE = "application/problem+json"
log = logs.get_logger()


class FieldProblem(BaseModel):
    field: str = Field(description="Path of the wrong field, dots between its parts.")
    message: str


class Problem(BaseModel):
    """What went wrong and what to do about it (RFC 9457)."""

    type: str = Field(examples=["urn:stoa:problem:course-is-empty"])
    title: str
    status: int
    detail: str = Field(description="What to do next, in one sentence.")
    instance: str = Field(description="The request's id, as in the X-Request-Id header.")
    errors: list[FieldProblem] = Field(default_factory=list, description="The fields that are wrong, if any.")


class InvalidRequest(Invalid):
    """The request's fields are not what the route takes."""


class InternalError(Refusal):
    """A bug of ours; the request id finds it in the logs."""

    status, title = 500, "Internal error"


_BY_STATUS: dict[int, type[Refusal]] = {
    kind.status: kind
    for kind in (
        errors.BadRequest,
        errors.NotFound,
        errors.MethodNotAllowed,
        errors.TooLarge,
        errors.UnsupportedMediaType,
        errors.Invalid,
    )
}


def document(refusal: Refusal, *, instance: str) -> dict[str, Any]:
    return {
        **refusal.members,
        "type": f"urn:stoa:problem:{refusal.slug()}",
        "title": refusal.title,
        "status": refusal.status,
        "detail": refusal.detail,
        "instance": instance,
        "errors": refusal.errors,
    }


def render(refusal: Refusal, *, instance: str, path: str) -> Response:
    """The refusal in the shape that whoever asks at this path understands."""
    if scim_errors.are_spoken_at(path):
        return scim_errors.render(refusal)
    told = document(refusal, instance=instance)
    if openai_errors.are_spoken_at(path):
        told |= openai_errors.member(refusal)
    body = orjson.dumps(told)
    return Response(body, refusal.status, headers=refusal.headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Render refusals and invalid requests as problems; `stoa_common.http.edge` renders what nobody expected."""
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def request_id(request: Request) -> str:
    return str(getattr(request.state, "request_id", ""))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return render(error, instance=request_id(request), path=request.url.path)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    wrong = field_errors(error.errors())
    invalid = InvalidRequest("Mend the fields listed in `errors`.", errors=wrong)
    return render(invalid, instance=request_id(request), path=request.url.path)


def field_errors(found: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Pydantic's errors as ours, without the values that were sent: they may be secrets."""
    return [FieldError(field=_path(e["loc"]), message=str(e["msg"])) for e in found]


def _path(location: Sequence[Any]) -> str:
    parts = [str(part) for part in location]
    return ".".join(parts[1:] if len(parts) > 1 and parts[0] == "body" else parts)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = _BY_STATUS.get(error.status_code)
    if kind is None:
        kind = type("HttpError", (Refusal,), {"status": error.status_code, "title": str(error.detail)})
    refusal = kind(_http_detail(error), headers=error.headers)
    return render(refusal, instance=request_id(request), path=request.url.path)


def _http_detail(error: HTTPException) -> str:
    if error.status_code == 404:
        return "There is nothing at this path."
    if error.status_code == 405:
        return "This path does not take this method; see the Allow header."
    return str(error.detail)


def failed(error: Exception, *, path: str, instance: str) -> Response:
    """The answer to what no rule refused: 503 where infrastructure is away, else 500; the reason is for the log."""
    if failures.is_infrastructure(error):
        log.warning("request_failed", path=path, error=type(error).__name__)
        unavailable = Unavailable("A part of the platform is not reachable; try again.")
        return render(unavailable, instance=instance, path=path)
    log.error("request_failed", path=path, exc_info=error)
    detail = "Something went wrong on our side; quote the request id when you report it."
    return render(InternalError(detail), instance=instance, path=path)
