"""The merged document and its page, as the running gateway shows them."""

import re

import aiohttp
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from stoa_gateway.documents.service import Documents
from stoa_gateway.routing.domain import Document
from stoa_gateway.routing.provider import DocumentIsMissing
from stoa_gateway.routing.service import Routing


async def test_the_document_is_valid_and_holds_what_can_be_reached(http: aiohttp.ClientSession) -> None:
    document = await (await http.get("/openapi.json")).json()

    OpenAPIV31SpecValidator(document).validate()
    assert {"/api/v1/content/mine", "/api/v1/content/echo/{name}", "/api/v1/ai/raw"} <= set(document["paths"])
    assert not [path for path in document["paths"] if "internal" in path or "hidden" in path or path == "/livez"]
    assert document["paths"]["/api/v1/content/mine"]["get"]["security"] == [{"accessToken": []}, {"apiKey": []}]
    assert document["paths"]["/api/v1/content/mine"]["get"]["operationId"] == "content_get_mine"
    assert "Problem" in document["components"]["schemas"]


async def test_the_page_needs_nothing_from_elsewhere(http: aiohttp.ClientSession) -> None:
    answer = await http.get("/", allow_redirects=True)
    page = await answer.text()
    needed = re.findall(r'(?:src|href)="([^"]+)"', page)

    assert answer.url.path == "/docs"
    assert len(needed) >= 4
    for address in needed:
        assert address.startswith("/")
        assert (await http.get(address)).status == 200


async def test_the_page_runs_scripts_from_files_alone(http: aiohttp.ClientSession) -> None:
    answer = await http.get("/docs")

    assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=", await answer.text())


async def test_only_the_pages_own_files_are_given_out(http: aiohttp.ClientSession) -> None:
    for name in ("nothing.js", "..%2Frouter.py", "page.html"):
        assert (await http.get(f"/docs/assets/{name}")).status == 404


async def test_the_gateways_own_health_is_its_own(http: aiohttp.ClientSession) -> None:
    await http.get("/api/v1/content/echo/x")

    ready = await http.get("/readyz")
    metrics = await (await http.get("/metrics")).text()

    assert (await http.get("/livez")).status == 200
    assert (ready.status, (await ready.json())["parts"]) == (200, {"routes": "ok"})
    assert 'route="/api/v1/content/echo/{name}"' in metrics


async def test_who_has_the_document_is_not_sent_it_again(http: aiohttp.ClientSession) -> None:
    first = await http.get("/openapi.json")
    tag = first.headers["ETag"]

    again = await http.get("/openapi.json", headers={"If-None-Match": f'"other", W/{tag}'})
    changed = await http.get("/openapi.json", headers={"If-None-Match": '"other"'})

    assert (again.status, await again.read()) == (304, b"")
    assert (changed.status, changed.headers["ETag"]) == (200, tag)


def test_the_document_is_written_once_and_not_for_everybody_who_asks() -> None:
    documents = Documents(Routing([], no_document))

    assert documents.written()[0] is documents.written()[0]


async def no_document(url: str) -> Document:
    raise DocumentIsMissing(url)


@pytest.mark.parametrize("path", ["/docs", "/docs/assets/start.js"])
@pytest.mark.parametrize("wanted", ["bytes=0-9", "bytes=9-0", "bytes=0-0,2-2,4-4", "lines=1"])
async def test_a_page_is_given_whole_to_who_wants_a_part(http: aiohttp.ClientSession, path: str, wanted: str) -> None:
    whole = await http.get(path)

    answer = await http.get(path, headers={"Range": wanted})

    assert answer.status == 200
    assert await answer.read() == await whole.read()
    assert "Accept-Ranges" not in answer.headers


@pytest.mark.parametrize("path", ["/docs/assets/start.js/", "/docs/", "/docs/assets//evil.example/"])
async def test_nobody_is_sent_where_the_host_header_says(http: aiohttp.ClientSession, path: str) -> None:
    answer = await http.get(path, headers={"Host": "evil.example"}, allow_redirects=False)

    assert answer.status == 404
    assert "evil.example" not in str(answer.headers) + await answer.text()
