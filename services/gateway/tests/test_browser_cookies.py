"""A browser's log-in at the gateway: it becomes an access token for pages of ours, and goes to no service."""

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import pytest
import pytest_asyncio
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse

from stoa_common import browser_cookies
from stoa_common.app import create_app
from stoa_common.browser_cookies import CSRF_HEADER, SESSION_COOKIE, VISIT_COOKIE
from stoa_common.http import Router, public, require
from stoa_common.ids import new_id
from stoa_common.resources import Resources
from stoa_common.security import TokenVerifier
from stoa_common.service import Service
from stoa_common.settings import ServiceSettings
from stoa_common.testing import Identities
from stoa_common.testing.identities import ISSUER

MINE, OPEN, PAGE = "/api/v1/content/seen", "/api/v1/content/open", "/api/v1/auth/pages/some"
OWN, FRONT_END = "https://stoa.example", "https://app.example"


@dataclass
class Auth:
    """What auth knows of cookies."""

    identities: Identities
    cookies: set[str] = field(default_factory=set)
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    given: list[str] = field(default_factory=list)

    def log_in(self) -> str:
        text = browser_cookies.new_text()
        self.cookies.add(text)
        return text

    async def exchange(self, request: Request) -> Response:
        """Give a token for a cookie."""
        form = parse_qs((await request.body()).decode())
        self.asked.append(form)
        if form["subject_token"][0] not in self.cookies:
            return JSONResponse({"type": "urn:stoa:problem:browser-session-is-over"}, 401)
        token = self.identities.token(self.identities.principal(), jti=str(new_id()))
        self.given.append(token)
        return JSONResponse({"access_token": token, "token_type": "Bearer", "expires_in": 60})


class RevokingVerifier(TokenVerifier):
    """A verifier that has heard of revoked tokens."""

    revoked: frozenset[str] = frozenset()

    async def verify(self, token: str) -> Any:
        return await super().verify("revoked" if token in self.revoked else token)


async def tell(request: Request) -> dict[str, Any]:
    """Say what arrived."""
    return {"headers": [[name.decode(), value.decode("latin-1")] for name, value in request.scope["headers"]]}


def content_routes() -> Router:
    routes = Router(prefix="/api/v1/content", tags=["seen"])
    routes.add_api_route("/seen", tell, methods=["GET"], operation_id="tell_seen", **require("course:read"))
    # Without the parts of a write that need a database; it names nothing, so it needs a token.
    APIRouter.add_api_route(routes, "/seen", tell, methods=["POST"], operation_id="tell_sent")
    routes.add_api_route("/open", tell, methods=["GET"], operation_id="tell_open", **public())
    # What only auth may say.
    routes.add_api_route("/page", tell, methods=["GET"], operation_id="tell_page", **public(takes_cookie=True))
    return routes


def auth_routes(auth: Auth) -> Router:
    routes = Router(prefix="/api/v1/auth", tags=["tokens"])
    routes.add_api_route("/token", auth.exchange, methods=["POST"], **public())
    for method in ("GET", "POST"):
        name = f"tell_{method.lower()}"
        routes.add_api_route("/pages/some", tell, methods=[method], operation_id=name, **public(takes_cookie=True))
    routes.add_api_route(
        "/another", tell, methods=["GET"], operation_id="tell_another", **require("course:read", takes_cookie=True)
    )
    return routes


@pytest.fixture(scope="module")
def auth(identities: Identities) -> Auth:
    return Auth(identities)


@pytest.fixture(scope="module")
def verifier(identities: Identities) -> RevokingVerifier:
    return RevokingVerifier(identities, issuer=ISSUER)


@pytest.fixture(autouse=True)
def forgotten(auth: Auth) -> None:
    auth.asked.clear()
    auth.given.clear()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def http(
    service: Service, settings: ServiceSettings, auth: Auth, verifier: RevokingVerifier, served: Any
) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of a gateway that has auth and content behind it."""
    apps = [a_service("auth", auth_routes(auth), verifier), a_service("content", content_routes(), verifier)]
    sockets = [a_socket() for _ in range(3)]
    changed = {
        "auth_url": address(sockets[0]),
        "content_url": address(sockets[1]),
        "public_url": OWN,
        "cookie_origins": FRONT_END,
        "cors_origins": "https://learn.example",
    }
    changed_settings = settings.model_copy(update=changed)
    assert service.resources is not None
    async with (
        served(apps[0], sockets[0]),
        served(apps[1], sockets[1]),
        service.resources(changed_settings) as opened,
    ):
        app = service.build_app(Resources([changed_settings, *opened]), verifier, None)
        jar = aiohttp.DummyCookieJar()
        async with served(app, sockets[2]), aiohttp.ClientSession(address(sockets[2]), cookie_jar=jar) as client:
            yield client


def a_service(name: str, routes: Router, verifier: TokenVerifier) -> FastAPI:
    return create_app(title=name, routers=[routes], resources=Resources(), verifier=verifier)


def a_socket() -> socket.socket:
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken


def address(taken: socket.socket) -> str:
    return f"http://127.0.0.1:{taken.getsockname()[1]}"


def shown(text: str, **more: str) -> dict[str, str]:
    """What a browser with this cookie sends."""
    cookie = f"theme=dark; {SESSION_COOKIE}={text}; {VISIT_COOKIE}={'V' * 43}"
    return {"Cookie": cookie, **{name.replace("_", "-"): value for name, value in more.items()}}


def written(text: str, origin: str | None = OWN, **more: str) -> dict[str, str]:
    """What a page's script sends with a write."""
    said = {"Origin": origin} if origin else {}
    return {**shown(text), **said, CSRF_HEADER: browser_cookies.csrf_token(text), **more}


async def arrived(answer: aiohttp.ClientResponse) -> dict[str, list[str]]:
    """Each header as the service saw it."""
    assert answer.status == 200, await answer.text()
    found: dict[str, list[str]] = {}
    for name, value in (await answer.json())["headers"]:
        found.setdefault(name, []).append(value)
    return found


async def problem(answer: aiohttp.ClientResponse) -> str:
    told: str = (await answer.json(content_type="application/problem+json"))["type"]
    return told.removeprefix("urn:stoa:problem:")


async def test_the_cookie_becomes_a_token_and_goes_no_further(http: aiohttp.ClientSession, auth: Auth) -> None:
    text = auth.log_in()

    seen = await arrived(await http.get(MINE, headers=shown(text)))

    assert seen["authorization"] == [f"Bearer {auth.given[0]}"]
    assert seen["cookie"] == ["theme=dark"]
    assert auth.asked[0]["subject_token_type"] == ["urn:stoa:token-type:session-cookie"]


async def test_auth_is_asked_once_for_many_requests(http: aiohttp.ClientSession, auth: Auth) -> None:
    text = auth.log_in()

    for _ in range(3):
        await arrived(await http.get(MINE, headers=shown(text)))

    assert len(auth.asked) == 1


async def test_a_write_needs_a_page_of_ours_and_its_token(http: aiohttp.ClientSession, auth: Auth) -> None:
    text = auth.log_in()

    assert (await http.post(MINE, headers=written(text))).status == 200
    assert (await http.post(MINE, headers=written(text, FRONT_END))).status == 200
    by_site = written(text, None) | {"Sec-Fetch-Site": "same-origin"}
    assert (await http.post(MINE, headers=by_site)).status == 200


@pytest.mark.parametrize(
    "said",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "https://learn.example"},
        {"Origin": "https://stoa.example.evil.example"},
        {"Origin": "http://stoa.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_another_sites_page_writes_nothing(http: aiohttp.ClientSession, auth: Auth, said: dict[str, str]) -> None:
    answer = await http.post(MINE, headers=written(auth.log_in(), None) | said)

    assert (answer.status, await problem(answer)) == (403, "request-is-foreign")
    assert auth.asked == []


async def test_two_origins_are_believed_of_nobody(http: aiohttp.ClientSession, auth: Auth) -> None:
    headers = [*written(auth.log_in()).items(), ("Origin", OWN)]

    answer = await http.post(MINE, headers=headers)

    assert (answer.status, await problem(answer)) == (403, "request-is-foreign")


@pytest.mark.parametrize("token", [None, "", "1", "A" * 22 + "." + "0" * 64])
async def test_a_write_without_its_token_is_refused(http: aiohttp.ClientSession, auth: Auth, token: str | None) -> None:
    headers = written(auth.log_in())
    del headers[CSRF_HEADER]

    answer = await http.post(MINE, headers=headers | ({} if token is None else {CSRF_HEADER: token}))

    assert (answer.status, await problem(answer)) == (403, "csrf-token-is-wrong")


async def test_another_browsers_token_is_refused(http: aiohttp.ClientSession, auth: Auth) -> None:
    headers = written(auth.log_in()) | {CSRF_HEADER: browser_cookies.csrf_token(auth.log_in())}

    assert (await http.post(MINE, headers=headers)).status == 403


async def test_a_foreign_page_reads_nothing_by_the_cookie(http: aiohttp.ClientSession, auth: Auth) -> None:
    answer = await http.get(MINE, headers=shown(auth.log_in(), Origin="https://learn.example"))

    assert (answer.status, await problem(answer)) == (403, "request-is-foreign")


async def test_a_token_in_a_header_needs_nothing_of_that(
    http: aiohttp.ClientSession, auth: Auth, identities: Identities
) -> None:
    bearer = f"Bearer {identities.token(identities.principal())}"

    answer = await http.post(
        MINE, headers=shown(auth.log_in(), Origin="https://learn.example") | {"Authorization": bearer}
    )

    seen = await arrived(answer)
    assert seen["authorization"] == [bearer]
    assert seen["cookie"] == ["theme=dark"]
    assert auth.asked == []


async def test_a_public_route_sees_no_log_in(http: aiohttp.ClientSession, auth: Auth) -> None:
    seen = await arrived(await http.get(OPEN, headers=shown(auth.log_in())))

    assert seen["cookie"] == ["theme=dark"]
    assert "authorization" not in seen
    assert auth.asked == []


async def test_only_a_page_of_auth_gets_the_cookies(http: aiohttp.ClientSession, auth: Auth) -> None:
    text = auth.log_in()

    page = await arrived(await http.get(PAGE, headers=shown(text)))
    elsewhere = await arrived(await http.get("/api/v1/content/page", headers=shown(text)))

    assert page["cookie"] == [shown(text)["Cookie"]]
    assert elsewhere["cookie"] == ["theme=dark"]


async def test_a_route_that_gives_another_cookie_gets_it_beside_the_token(
    http: aiohttp.ClientSession, auth: Auth
) -> None:
    text = auth.log_in()

    seen = await arrived(await http.get("/api/v1/auth/another", headers=shown(text)))
    foreign = await http.get("/api/v1/auth/another", headers=shown(text, Origin="https://evil.example"))
    nobody = await http.get("/api/v1/auth/another")

    assert seen["authorization"] == [f"Bearer {auth.given[0]}"]
    assert seen["cookie"] == [shown(text)["Cookie"]]
    assert (foreign.status, nobody.status) == (403, 401)


async def test_a_page_gets_no_cookies_that_another_site_sends(http: aiohttp.ClientSession, auth: Auth) -> None:
    text = auth.log_in()

    foreign = await arrived(await http.post(PAGE, headers=shown(text, Origin="https://evil.example")))
    ours = await arrived(await http.post(PAGE, headers=shown(text, Origin=OWN)))

    assert foreign["cookie"] == ["theme=dark"]
    assert SESSION_COOKIE in ours["cookie"][0]


@pytest.mark.parametrize("text", ["A" * 43, "nonsense", ""])
async def test_a_cookie_that_opens_nothing_is_refused(http: aiohttp.ClientSession, auth: Auth, text: str) -> None:
    answer = await http.get(MINE, headers=shown(text))

    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_log_in_that_was_ended_counts_for_nothing_at_once(
    http: aiohttp.ClientSession, auth: Auth, verifier: RevokingVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = auth.log_in()
    before = await http.get(MINE, headers=shown(text))
    auth.cookies.clear()
    monkeypatch.setattr(verifier, "revoked", frozenset(auth.given))

    answer = await http.get(MINE, headers=shown(text))

    assert before.status == 200
    assert (answer.status, await problem(answer)) == (401, "browser-session-is-over")


@pytest.mark.parametrize(("origin", "may_send_cookies"), [(FRONT_END, "true"), ("https://evil.example", None)])
async def test_a_front_end_of_another_origin_may_send_the_cookie(
    http: aiohttp.ClientSession, origin: str, may_send_cookies: str | None
) -> None:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-csrf-token",
    }

    answer = await http.options(MINE, headers=asked)

    allowed = answer.headers.get("access-control-allow-origin")
    assert allowed == (origin if may_send_cookies else None)
    if may_send_cookies:
        assert answer.headers["access-control-allow-credentials"] == may_send_cookies
        assert "x-csrf-token" in answer.headers["access-control-allow-headers"]
