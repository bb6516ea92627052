"""The page that shows the merged document to people, without reaching the internet; and what machines look for."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import orjson
from fastapi import APIRouter, Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from stoa_common import clock
from stoa_common.errors import NotFound
from stoa_common.resources import resource
from stoa_gateway.documents import index
from stoa_gateway.documents.service import Documents
from stoa_gateway.settings import Settings

_OURS = Path(str(files("stoa_gateway.documents"))) / "assets"
# Swagger UI, as the package carries it; its code is not used.
_PACKAGED = Path(str(files("fastapi_offline"))) / "static"
_ASSETS = {
    "start.js": _OURS / "start.js",
    "swagger-ui-bundle.js": _PACKAGED / "swagger-ui-bundle.js",
    "swagger-ui.css": _PACKAGED / "swagger-ui.css",
    "favicon.png": _PACKAGED / "favicon.png",
}
#: Swagger UI sets styles of elements, and draws its icons from data addresses; scripts come from files only.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_ASSET_HEADERS = {"Cache-Control": "public, max-age=86400", "X-Content-Type-Options": "nosniff"}


class _Whole(FileResponse):
    """A file that is always given whole.

    Of small ones nobody needs a part, and the framework's words about a part that there is not are no problem document.
    """

    def __init__(self, path: Path, headers: Mapping[str, str]) -> None:
        super().__init__(path, headers=headers)
        del self.headers["accept-ranges"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        named = [pair for pair in scope["headers"] if pair[0] != b"range"]
        await super().__call__({**scope, "headers": named}, receive, send)


class AssetIsUnknown(NotFound):
    """The page needs no file of this name."""


class NobodyIsNamed(NotFound):
    """Whoever runs this platform has named nobody for security.txt."""


router = APIRouter(include_in_schema=False)
SettingsDep = Annotated[Settings, resource(Settings)]


@router.get("/openapi.json")
async def show_document(request: Request, documents: Annotated[Documents, resource(Documents)]) -> Response:
    body, tag = documents.written()
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


@router.get("/")
async def go_to_documents() -> RedirectResponse:
    return RedirectResponse("/docs")


@router.get("/docs")
async def show_page() -> FileResponse:
    return _Whole(_OURS / "page.html", _PAGE_HEADERS)


# A path, so that the framework sends nobody from `start.js/` to an address that it makes of the Host header.
@router.get("/docs/assets/{name:path}")
async def show_asset(name: str) -> FileResponse:
    if name not in _ASSETS:
        raise AssetIsUnknown("See /docs.")
    return _Whole(_ASSETS[name], _ASSET_HEADERS)


@router.api_route("/.well-known/api-catalog", methods=["GET", "HEAD"])
async def show_catalog(request: Request, settings: SettingsDep) -> Response:
    headers = {
        "Link": f'</.well-known/api-catalog>; rel="api-catalog"; profile="{index.PROFILE}"',
        "Cache-Control": "public, max-age=3600",
    }
    body = orjson.dumps(index.api_catalog(_base(request, settings)))
    return Response(body, headers=headers, media_type=f'application/linkset+json; profile="{index.PROFILE}"')


@router.get("/.well-known/security.txt")
async def show_contacts(request: Request, settings: SettingsDep) -> Response:
    contacts = settings.security_contacts()
    if not contacts:
        raise NobodyIsNamed("Nobody is named here to be told of security holes.")
    text = index.security_txt(contacts, base=_base(request, settings), now=clock.now())
    return Response(text, headers={"Cache-Control": "public, max-age=86400"}, media_type="text/plain; charset=utf-8")


def _base(request: Request, settings: Settings) -> str:
    return settings.public_url or str(request.base_url).rstrip("/")
