"""How SCIM is answered over HTTP: its media type, its entity tags, its own shape of errors in the documents."""

from typing import Annotated, Any, Final

import orjson
from fastapi import Depends, status
from starlette.responses import Response

from stoa_auth.scim import domain
from stoa_auth.scim.representing import Answer
from stoa_auth.settings import Settings
from stoa_common.http import Router, scim_errors
from stoa_common.resources import resource

PREFIX: Final = "/scim/v2"
#: For routes that take `If-None-Match`.
KNOWN: Final[dict[int | str, dict[str, Any]]] = {304: {"description": "The client has this version."}}
OBJECT: Final = {scim_errors.MEDIA_TYPE: {"schema": {"type": "object"}}}
_ERROR: Final = {
    "type": "object",
    "required": ["schemas", "status", "detail"],
    "properties": {
        "schemas": {"type": "array", "items": {"const": scim_errors.SCHEMA}},
        "status": {"type": "string"},
        "scimType": {"type": "string"},
        "detail": {"type": "string"},
    },
}
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    "default": {
        "description": "An error (RFC 7644, section 3.12)",
        "content": {scim_errors.MEDIA_TYPE: {"schema": _ERROR}},
    }
}


class ScimResponse(Response):
    media_type = scim_errors.MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)


class _ScimRouter(Router):
    """Routes whose errors are SCIM's, in the OpenAPI document too."""

    def add_api_route(self, path: str, endpoint: Any, **kwargs: Any) -> None:
        code = kwargs.get("status_code") or status.HTTP_200_OK
        told = {} if code == status.HTTP_204_NO_CONTENT else {code: {"content": OBJECT}}
        responses = {**(kwargs.get("responses") or {}), **_RESPONSES, **told}
        super().add_api_route(path, endpoint, **kwargs | {"responses": responses})


def new_router() -> Router:
    return _ScimRouter(prefix=PREFIX, tags=["scim"], default_response_class=ScimResponse)


def _base(settings: Annotated[Settings, resource(Settings)]) -> str:
    return f"{settings.issuer.rstrip('/')}{PREFIX}"


#: The address of the SCIM endpoint, as clients reach it.
BaseDep = Annotated[str, Depends(_base)]


def answered(answer: Answer, code: int = status.HTTP_200_OK, *, known: str | None = None) -> Response:
    """One resource with its version; nothing but that where the client knows it (RFC 9110, section 13.1.2)."""
    headers = {"ETag": answer.version, "Location": answer.location}
    if known is not None and domain.is_named(answer.version, known):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    return ScimResponse(answer.body, code, headers=headers)
