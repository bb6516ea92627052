"""The page that shows the merged document to people, without reaching the internet."""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse, RedirectResponse

from stoa_common.errors import NotFound

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


router = APIRouter(include_in_schema=False)


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
