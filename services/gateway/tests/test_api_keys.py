"""API keys at the gateway: each becomes an access token, and its text goes no further."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import pytest
import pytest_asyncio
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from stoa_common import api_keys
from stoa_common.app import create_app
from stoa_common.http import Router, public, require
from stoa_common.ids import new_id
from stoa_common.resources import Resources
from stoa_common.security import TokenVerifier
from stoa_common.service import Service
from stoa_common.settings import ServiceSettings
from stoa_common.testing import Identities
from stoa_common.testing.identities import ISSUER

MINE, OPEN = "/api/v1/content/seen", "/api/v1/content/open"
NOT_VALID = "urn:stoa:problem:api-key-is-not-valid"


@dataclass
class Auth:
    """What auth knows of keys: each text, and how long the token lasts that is given for it."""

    identities: Identities
    keys: dict[str, int] = field(default_factory=dict)
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    status: int = 200
    pause: float = 0.0
    given: list[str] = field(default_factory=list)

    def make_key(self, *, seconds: int = 60) -> str:
        key = api_keys.new_key()
        self.keys[key] = seconds
        return key

    async def exchange(self, request: Request) -> Response:
        """Give a token for a key."""
        form = parse_qs((await request.body()).decode())
        self.asked.append(form)
        await asyncio.sleep(self.pause)
        seconds = self.keys.get(form["subject_token"][0])
        if self.status != 200:
            return Response("no JSON", self.status)
        if seconds is None:
            return JSONResponse({"type": NOT_VALID}, 401)
        token = self.identities.token(self.identities.principal(), jti=str(new_id()))
        self.given.append(token)
        return JSONResponse({"access_token": token, "token_type": "Bearer", "expires_in": seconds})


class RevokingVerifier(TokenVerifier):
    """A verifier that has heard of revoked tokens."""

    revoked: frozenset[str] = frozenset()

    async def verify(self, token: str) -> Any:
        return await super().verify("revoked" if token in self.revoked else token)


def seen_routes() -> Router:
    routes = Router(prefix="/api/v1/content", tags=["seen"])

    async def tell(request: Request) -> dict[str, Any]:
        """Say what arrived."""
        return {"headers": [[name.decode(), value.decode("latin-1")] for name, value in request.scope["headers"]]}

    routes.add_api_route("/seen", tell, methods=["GET"], operation_id="tell_seen", **require("course:read"))
    routes.add_api_route("/open", tell, methods=["GET"], operation_id="tell_open", **public())
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
    auth.status, auth.pause = 200, 0.0


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def http(
    service: Service, settings: ServiceSettings, auth: Auth, verifier: RevokingVerifier, served: Any
) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of a gateway that has auth and content behind it."""
    tokens = Router(prefix="/api/v1/auth", tags=["tokens"])
    tokens.add_api_route("/token", auth.exchange, methods=["POST"], **public())
    apps = [a_service("auth", tokens, verifier), a_service("content", seen_routes(), verifier)]
    sockets = [a_socket() for _ in range(3)]
    urls = {"auth_url": address(sockets[0]), "content_url": address(sockets[1])}
    assert service.resources is not None
    async with (
        served(apps[0], sockets[0]),
        served(apps[1], sockets[1]),
        service.resources(settings.model_copy(update=urls)) as opened,
    ):
        app = service.build_app(Resources([settings, *opened]), verifier, None)
        async with served(app, sockets[2]), aiohttp.ClientSession(address(sockets[2])) as client:
            yield client


def a_service(name: str, routes: Router, verifier: TokenVerifier) -> FastAPI:
    return create_app(title=name, routers=[routes], resources=Resources(), verifier=verifier)


def a_socket() -> socket.socket:
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken


def address(taken: socket.socket) -> str:
    return f"http://127.0.0.1:{taken.getsockname()[1]}"


async def arrived(answer: aiohttp.ClientResponse) -> dict[str, list[str]]:
    """Each header as the service saw it."""
    assert answer.status == 200, await answer.text()
    found: dict[str, list[str]] = {}
    for name, value in (await answer.json())["headers"]:
        found.setdefault(name, []).append(value)
    return found


async def problem(answer: aiohttp.ClientResponse) -> str:
    told: str = (await answer.json(content_type="application/problem+json"))["type"]
    return told


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": "Bearer {}"}, {"Authorization": "bearer  {}"}, {"X-API-Key": "{}"}, {"x-api-key": " {} "}],
)
async def test_a_key_goes_on_as_an_access_token(
    http: aiohttp.ClientSession, auth: Auth, headers: dict[str, str]
) -> None:
    key = auth.make_key()

    answer = await http.get(MINE, headers={name: value.format(key) for name, value in headers.items()})

    seen = await arrived(answer)
    assert seen["authorization"] == [f"Bearer {auth.given[0]}"]
    assert "x-api-key" not in seen
    assert key not in await answer.text()
    assert auth.asked == [
        {
            "grant_type": ["urn:ietf:params:oauth:grant-type:token-exchange"],
            "subject_token": [key],
            "subject_token_type": ["urn:stoa:token-type:api-key"],
        }
    ]


async def test_auth_is_asked_once_for_a_key_that_is_used_much(http: aiohttp.ClientSession, auth: Auth) -> None:
    key = auth.make_key()
    auth.pause = 0.2

    together = await asyncio.gather(*(http.get(MINE, headers={"X-API-Key": key}) for _ in range(20)))
    later = await http.get(MINE, headers={"X-API-Key": key})

    assert {answer.status for answer in (*together, later)} == {200}
    assert len(auth.asked) == 1


async def test_a_client_that_leaves_takes_no_answer_from_others(http: aiohttp.ClientSession, auth: Auth) -> None:
    key = auth.make_key()
    auth.pause = 0.5
    leaving = asyncio.create_task(http.get(MINE, headers={"X-API-Key": key}))
    while not auth.asked:
        await asyncio.sleep(0.02)
    staying = asyncio.create_task(http.get(MINE, headers={"X-API-Key": key}))
    await asyncio.sleep(0.1)

    leaving.cancel()

    assert (await staying).status == 200
    assert len(auth.asked) == 1


async def test_a_token_that_has_expired_is_asked_for_again(http: aiohttp.ClientSession, auth: Auth) -> None:
    key = auth.make_key(seconds=1)
    await http.get(MINE, headers={"X-API-Key": key})

    await asyncio.sleep(1.1)
    answer = await http.get(MINE, headers={"X-API-Key": key})

    assert answer.status == 200
    assert len(auth.asked) == 2


async def test_a_revoked_key_is_refused_from_the_moment_its_token_is(
    http: aiohttp.ClientSession, auth: Auth, verifier: RevokingVerifier
) -> None:
    key = auth.make_key()
    await http.get(MINE, headers={"X-API-Key": key})

    del auth.keys[key]
    verifier.revoked = frozenset(auth.given)
    answer = await http.get(MINE, headers={"X-API-Key": key})

    assert answer.status == 401
    assert await problem(answer) == NOT_VALID


async def test_a_key_whose_person_changed_goes_on_with_another_token(
    http: aiohttp.ClientSession, auth: Auth, verifier: RevokingVerifier
) -> None:
    key = auth.make_key()
    await http.get(MINE, headers={"X-API-Key": key})
    [first] = auth.given

    verifier.revoked = frozenset({first})
    seen = await arrived(await http.get(MINE, headers={"X-API-Key": key}))

    assert seen["authorization"] == [f"Bearer {auth.given[1]}"]


async def test_an_unknown_key_is_refused_as_a_problem(http: aiohttp.ClientSession, auth: Auth) -> None:
    key = api_keys.new_key()

    answers = [await http.get(MINE, headers={"Authorization": f"Bearer {key}"}) for _ in range(3)]

    assert [answer.status for answer in answers] == [401, 401, 401]
    assert 'error="invalid_token"' in answers[0].headers["WWW-Authenticate"]
    assert await problem(answers[0]) == NOT_VALID
    assert key not in await answers[0].text()
    # Whoever tries does not keep auth busy.
    assert len(auth.asked) == 1


@pytest.mark.parametrize("hostile", ["cut", "longer", "upper", "swapped", "spaced", "scheme", "empty", "basic", "bare"])
async def test_a_mistyped_key_is_refused_without_asking_anybody(
    http: aiohttp.ClientSession, auth: Auth, hostile: str
) -> None:
    key = auth.make_key()
    headers = {
        "cut": {"X-API-Key": key[:-1]},
        "longer": {"X-API-Key": key + "0"},
        "upper": {"Authorization": f"Bearer {key.upper()}"},
        "swapped": {"Authorization": f"Bearer {key.swapcase()}"},
        "spaced": {"Authorization": f"Bearer {key[:20]} {key[20:]}"},
        "scheme": {"Authorization": f"Token {key}"},
        "empty": {"X-API-Key": ""},
        "basic": {"Authorization": f"Basic {key}"},
        "bare": {"Authorization": key},
    }[hostile]

    answer = await http.get(MINE, headers=headers)

    assert answer.status == 401
    assert await problem(answer) == NOT_VALID
    assert auth.asked == []


async def test_two_credentials_at_once_do_not_pass(
    http: aiohttp.ClientSession, auth: Auth, identities: Identities
) -> None:
    key, other = auth.make_key(), auth.make_key()
    token = f"Bearer {identities.token(identities.principal())}"
    pairs = [
        [("X-API-Key", key), ("X-API-Key", other)],
        [("X-API-Key", key), ("Authorization", f"Bearer {key}")],
        [("X-API-Key", key), ("Authorization", token)],
        [("X-API-Key", ""), ("Authorization", token)],
        [("Authorization", token), ("Authorization", f"Bearer {key}")],
    ]

    answers = [await http.get(MINE, headers=pair) for pair in pairs]

    assert [answer.status for answer in answers] == [401] * len(pairs)
    assert {await problem(answer) for answer in answers} == {"urn:stoa:problem:two-credentials"}
    assert auth.asked == []


async def test_a_public_route_never_sees_a_key(http: aiohttp.ClientSession, auth: Auth) -> None:
    key = auth.make_key()
    shown = [
        {"X-API-Key": key},
        {"Authorization": f"Bearer {key}"},
        {"Authorization": f"Bearer {key.upper()}"},
        {"Authorization": f"Token {key}"},
        {"X-API-Key": key[:-1]},
    ]

    for headers in shown:
        seen = await arrived(await http.get(OPEN, headers=headers))

        assert not {"authorization", "x-api-key"} & seen.keys()
        assert key[20:50].lower() not in str(seen).lower()
    assert auth.asked == []


@pytest.mark.parametrize("status", [500, 503, 404, 418])
async def test_while_auth_does_not_say_nobody_passes_by_a_key(
    http: aiohttp.ClientSession, auth: Auth, status: int
) -> None:
    key = auth.make_key()
    auth.status = status

    answer = await http.get(MINE, headers={"X-API-Key": key})

    assert answer.status == 503
    assert "Retry-After" in answer.headers
    assert await problem(answer) == "urn:stoa:problem:identity-is-away"
    auth.status = 200
    assert (await http.get(MINE, headers={"X-API-Key": key})).status == 200


async def test_where_auth_does_not_listen_nobody_passes_by_a_key(
    service: Service, settings: ServiceSettings, verifier: RevokingVerifier, auth: Auth, served: Any
) -> None:
    content, gateway, nobody = a_socket(), a_socket(), a_socket()
    urls = {"auth_url": address(nobody), "content_url": address(content)}
    assert service.resources is not None
    async with (
        served(a_service("content", seen_routes(), verifier), content),
        service.resources(settings.model_copy(update=urls)) as opened,
        served(service.build_app(Resources([settings, *opened]), verifier, None), gateway),
        aiohttp.ClientSession(address(gateway)) as client,
    ):
        answer = await client.get(MINE, headers={"X-API-Key": auth.make_key()})

    assert answer.status == 503
    assert await problem(answer) == "urn:stoa:problem:identity-is-away"


async def test_no_key_is_logged(http: aiohttp.ClientSession, auth: Auth, capfd: pytest.CaptureFixture[str]) -> None:
    key, unknown = auth.make_key(), api_keys.new_key()
    for shown in (key, unknown, key[:-1], key.upper()):
        await http.get(MINE, headers={"X-API-Key": shown})
    auth.status = 500
    away = auth.make_key()
    await http.get(MINE, headers={"Authorization": f"Bearer {away}"})

    written = "".join(capfd.readouterr()).lower()

    assert "credential_not_exchanged" in written
    for secret in (key, unknown, away):
        assert secret[20:50].lower() not in written


async def test_a_known_key_passes_while_auth_restarts(http: aiohttp.ClientSession, auth: Auth) -> None:
    key = auth.make_key()
    await http.get(MINE, headers={"X-API-Key": key})

    auth.status = 500
    answer = await http.get(MINE, headers={"X-API-Key": key})

    assert answer.status == 200
    assert len(auth.asked) == 1
