"""The files of pages, over HTTP."""

from starlette.responses import Response

from stoa_auth.rendering import service
from stoa_common.http import Router, public

router = Router(prefix="/api/v1/auth/static", tags=["pages"])
_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@router.get("/{name}", response_class=Response, **public())
async def get_static_file(name: str) -> Response:
    """A style sheet, script or picture of auth's pages, by a name that changes with its content."""
    file = service.get_file(name)
    return Response(file.content, media_type=file.media_type, headers=_HEADERS)
