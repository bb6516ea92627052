"""Errors below `/scim`, where clients expect RFC 7644's and no problem documents (RFC 7644, section 3.12)."""

from typing import Final

import orjson
from starlette.responses import Response

from stoa_common.errors import Refusal

MEDIA_TYPE: Final = "application/scim+json"
SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:Error"
_ROOT: Final = "/scim"
_BAD_REQUEST, _INVALID = 400, 422


def are_spoken_at(path: str) -> bool:
    """Whether whoever asks at this path understands these alone."""
    return path == _ROOT or path.startswith(f"{_ROOT}/")


def render(refusal: Refusal) -> Response:
    """The refusal as SCIM says it; its own `scim_type`, where it has one, tells clients which rule refused."""
    # SCIM knows no 422: what does not fit the schema is 400 there, and the keyword says why.
    status = _BAD_REQUEST if refusal.status == _INVALID else refusal.status
    keyword = getattr(refusal, "scim_type", None) or ("invalidValue" if refusal.status == _INVALID else None)
    body = {"schemas": [SCHEMA], "status": str(status), "detail": _detail(refusal)}
    if keyword:
        body["scimType"] = keyword
    return Response(orjson.dumps(body), status, headers=refusal.headers, media_type=MEDIA_TYPE)


def _detail(refusal: Refusal) -> str:
    """There is no list of wrong fields in SCIM, so they stand in the sentence."""
    wrong = [f"{error['field']}: {error['message']}" for error in refusal.errors]
    return " ".join([refusal.detail, *wrong])
