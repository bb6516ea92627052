"""A gateway on a real socket, with services behind it on real sockets."""

import asyncio
import contextlib
import hashlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse

from stoa_common.app import create_app
from stoa_common.http import Router, public, require
from stoa_common.resources import Resources
from stoa_common.security import TokenVerifier
from stoa_common.service import Service
from stoa_common.settings import ServiceSettings
from stoa_common.sse import EventStream, ServerEvent
from stoa_common.testing import Identities
from stoa_common.testing.identities import ISSUER
from stoa_common.testing.serving import a_socket, served, url_of
from stoa_gateway.processes import service as gateway

ORIGIN = "https://learn.example"
ANSWER_SECONDS = 1.5
#: Patient enough for a busy machine, and never tired of services that fail on purpose.
POLICIES = f"""
[defaults]
answer_seconds = {ANSWER_SECONDS}
idle_seconds = {ANSWER_SECONDS}
max_body_bytes = 1_000_000_000
content_types = ["*/*"]

[upstreams.default]
breaks_after = 1000
"""


@dataclass
class Watched:
    """What the content service saw happen to its streams."""

    opened: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    written: int = 0
    listeners: int = 0

    def start(self) -> None:
        self.opened.clear()
        self.ended.clear()
        self.written = 0


@pytest.fixture(scope="session")
def watched() -> Watched:
    return Watched()


def content_routes(watched: Watched) -> Router:
    routes = Router(prefix="/api/v1/content", tags=["things"])

    async def echo(name: str, request: Request) -> JSONResponse:
        """Say what arrived."""
        digest, count = hashlib.sha256(), 0
        async for piece in request.stream():
            digest.update(piece)
            count += len(piece)
        headers = [[key.decode(), value.decode("latin-1")] for key, value in request.scope["headers"]]
        target = [request.scope["raw_path"].decode(), request.scope["query_string"].decode()]
        return JSONResponse({"headers": headers, "target": target, "bytes": count, "sha256": digest.hexdigest()})

    for method in ("GET", "POST", "PUT"):
        routes.add_api_route("/echo/{name}", echo, methods=[method], operation_id=f"echo_{method.lower()}", **public())

    @routes.get("/mine", **require("course:read"))
    async def get_mine() -> dict[str, str]:
        """Only with a token."""
        return {"mine": "yes"}

    @routes.post("/kept", **require("course:write", keeps_answer=False))
    async def keep(request: Request) -> None:
        """Only with a token, too."""

    @routes.post("/uploads", **public())
    async def take_slowly(request: Request) -> None:
        """Read a little and wait, until the client gives up."""
        watched.opened.set()
        try:
            async for piece in request.stream():
                watched.written += len(piece)
                await asyncio.sleep(0.05)
        finally:
            watched.ended.set()

    @routes.get("/events", **public())
    async def follow() -> EventStream:
        """One event now, and one now and then, as long as somebody listens."""
        return EventStream(ticks())

    async def ticks() -> AsyncIterator[ServerEvent]:
        watched.opened.set()
        watched.listeners += 1
        try:
            yield ServerEvent("delta", {"text": "first"})
            for _ in range(200):
                await asyncio.sleep(0.3)
                yield ServerEvent("delta", {"text": "more"})
        finally:
            watched.listeners -= 1
            watched.ended.set()

    @routes.get("/flood", **public())
    async def flood() -> StreamingResponse:
        """More than a slow client takes."""
        return StreamingResponse(pieces(), media_type="application/octet-stream")

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(200):
            watched.written += 1_000_000
            yield bytes(1_000_000)

    @routes.get("/sleep", **public())
    async def sleep() -> None:
        """Take the request and say nothing."""
        watched.opened.set()
        try:
            await asyncio.sleep(60)
        finally:
            watched.ended.set()

    @routes.get("/internal/secrets", **public())
    async def show_secrets() -> dict[str, str]:
        """For the other services only."""
        return {"secret": "yes"}

    @routes.get("/hidden", openapi_extra={"x-public": True, "x-internal": True})
    async def show_hidden() -> dict[str, str]:
        """Also for the other services only."""
        return {"secret": "yes"}

    return routes


@pytest.fixture(scope="session")
def content_app(watched: Watched, identities: Identities) -> FastAPI:
    return create_app(
        title="content",
        routers=[content_routes(watched)],
        resources=Resources(),
        verifier=TokenVerifier(identities, issuer=ISSUER),
        max_body_bytes=100_000_000,
    )


Script = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class RawService:
    """The ai service as bytes: answers its document, and everything else as a test says."""

    url: str = ""
    script: Script | None = None

    def answers(self, *pieces: bytes) -> None:
        """Write these bytes and close the connection."""

        async def write(_head: bytes, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.02)

        self.script = write

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"GET /openapi.json"):
                writer.write(raw_answer(orjson.dumps(self.document)))
            elif self.script:
                await self.script(head, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @property
    def document(self) -> dict[str, Any]:
        operation = {"x-public": True, "responses": {"200": {"description": "ok"}}}
        operations = dict.fromkeys(("get", "post", "delete"), operation)
        return {"openapi": "3.1.0", "info": {"title": "ai", "version": "1"}, "paths": {"/api/v1/ai/raw": operations}}


def raw_answer(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), b"Connection: close", *headers, b"", b""]
    return b"\r\n".join(lines) + body


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def raw() -> AsyncIterator[RawService]:
    service = RawService()
    server = await asyncio.start_server(service.take, "127.0.0.1", 0)
    service.url = url_of(server.sockets[0])
    async with server:
        yield service


@pytest.fixture(scope="session")
def service() -> Service:
    return gateway


@pytest.fixture(scope="session")
def late_socket() -> socket.socket:
    """Where the feed service will listen, in the test that starts it."""
    return a_socket()


@pytest.fixture(scope="session")
def policies_file(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The path of a settings file with this text."""

    def write(text: str) -> str:
        path = tmp_path_factory.mktemp("policies") / "policies.toml"
        path.write_text(text)
        return str(path)

    return write


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def settings_overrides(
    content_app: FastAPI, raw: RawService, late_socket: socket.socket, policies_file: Callable[[str], str]
) -> AsyncIterator[dict[str, Any]]:
    taken = a_socket()
    nobody = a_socket()
    async with served(content_app, taken):
        yield {
            "content_url": url_of(taken),
            "ai_url": raw.url,
            "analytics_url": url_of(nobody),
            "auth_url": url_of(nobody),
            "feed_url": url_of(late_socket),
            "cors_origins": f"{ORIGIN}, https://coach.example",
            "policies": policies_file(POLICIES),
        }


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def url(app: FastAPI) -> AsyncIterator[str]:
    """The gateway's address, once it knows the routes of the services that are up."""
    taken = a_socket()
    async with served(app, taken), aiohttp.ClientSession() as http:
        for path in ("/api/v1/content/echo/x", "/api/v1/ai/raw"):
            await http.get(url_of(taken) + path)
        yield url_of(taken)


@pytest_asyncio.fixture(loop_scope="session")
async def http(url: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that shows answers as they are on the wire."""
    async with aiohttp.ClientSession(
        url,
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=20),
        cookie_jar=aiohttp.DummyCookieJar(),
        connector=aiohttp.TCPConnector(limit=0),
    ) as session:
        yield session


@pytest.fixture(scope="session")
def open_gateway(
    service: Service, settings: ServiceSettings, identities: Identities, policies_file: Callable[[str], str]
) -> Any:
    """A gateway of a test's own: `open_gateway(policies, content_url=...)` is a client of it."""

    @contextlib.asynccontextmanager
    async def opened(policies: str = POLICIES, **changed: Any) -> AsyncIterator[aiohttp.ClientSession]:
        told = settings.model_copy(update={"policies": policies_file(policies), **changed})
        taken = a_socket()
        assert service.resources is not None
        async with service.resources(told) as items:
            app = service.build_app(Resources([told, *items]), TokenVerifier(identities, issuer=ISSUER), None)
            async with (
                served(app, taken),
                aiohttp.ClientSession(
                    url_of(taken),
                    timeout=aiohttp.ClientTimeout(total=60),
                    cookie_jar=aiohttp.DummyCookieJar(),
                    connector=aiohttp.TCPConnector(limit=0),
                ) as client,
            ):
                yield client

    return opened


@pytest.fixture(name="served", scope="session")
def served_fixture() -> Any:
    return served


@pytest.fixture(scope="session")
def bound() -> Any:
    """A socket that nobody listens on yet, and its address."""

    def bind() -> tuple[socket.socket, str]:
        taken = a_socket()
        return taken, url_of(taken)

    return bind


@pytest.fixture(name="raw_answer", scope="session")
def raw_answer_fixture() -> Any:
    return raw_answer


@pytest.fixture(scope="session")
def late_app(identities: Identities) -> FastAPI:
    routes = Router(prefix="/api/v1/feed", tags=["late"])

    @routes.get("/late", **public())
    async def get_late() -> dict[str, bool]:
        """Better than never."""
        return {"late": True}

    verifier = TokenVerifier(identities, issuer=ISSUER)
    return create_app(title="feed", routers=[routes], resources=Resources(), verifier=verifier)
