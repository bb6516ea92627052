"""The page that shows the merged document to people, without reaching the internet; and what machines look for."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import orjson
from fastapi import APIRouter, Request
from starlette.responses import FileResponse, RedirectResponse, Response

from stoa_common import clock
from stoa_common.errors import NotFound
from stoa_common.resources import resource
from stoa_gateway.documents import index
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


class AssetIsUnknown(NotFound):
    """The page needs no file of this name."""


class NobodyIsNamed(NotFound):
    """Whoever runs this platform has named nobody for security.txt."""


router = APIRouter(include_in_schema=False)
SettingsDep = Annotated[Settings, resource(Settings)]


@router.get("/")
async def go_to_documents() -> RedirectResponse:
    return RedirectResponse("/docs")


@router.get("/docs")
async def show_page() -> FileResponse:
    return FileResponse(_OURS / "page.html", headers=_PAGE_HEADERS)


@router.get("/docs/assets/{name}")
async def show_asset(name: str) -> FileResponse:
    if name not in _ASSETS:
        raise AssetIsUnknown("See /docs.")
    return FileResponse(_ASSETS[name], headers={"Cache-Control": "public, max-age=86400"})


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
