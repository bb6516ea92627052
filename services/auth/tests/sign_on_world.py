"""OpenID providers as tests meet them: honest ones, and those that do anything wrong that they can think of."""

import asyncio
import base64
import hashlib
import json
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from stoa_common.ids import new_id
from stoa_common.testing.identities import Identities

from .browser import Browser
from .conftest import Doors, Someone

AUTH = "/api/v1/auth"
APP_LINK = "com.example.app:/sign-on"
CLIENT_ID = "stoa"
#: In the network that the tests' settings allow; and not in it.
ALLOWED_HOST = "127.0.0.2"
FORBIDDEN_HOST = "127.0.0.1"
#: One for all providers that don't say otherwise: making one takes its time.
_KEY = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
#: Where a provider listened already: auth remembers the keys at an address longer than a test lasts.
_TAKEN_PORTS: set[int] = set()


@dataclass
class Provider:
    """A provider whose answers a test can change, each in its place."""

    host: str = ALLOWED_HOST
    port: int = 0
    key: RSAKey | ECKey | OKPKey = field(default_factory=lambda: _KEY)
    #: In place of what it publishes of `key`.
    published: list[dict[str, Any]] | None = None
    #: Beside what belongs there, or in its place; None takes a name away.
    metadata: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    sent: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    #: In place of the whole ID token, or of whole answers by their path.
    forge: Callable[[dict[str, Any]], str] | None = None
    answers: dict[str, Callable[[], Any]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    authorization: list[str | None] = field(default_factory=list)
    #: Who sits at a real browser that comes to the authorization endpoint.
    sitting: dict[str, Any] = field(default_factory=dict)
    _codes: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return f"http://{self.host}:{self.port}"

    def vouch(self, url: str, *, sub: str, **claims: Any) -> str:
        """Somebody logs in at the authorization endpoint: the path of ours that their browser is sent to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        code = secrets.token_urlsafe(8)
        self._codes[code] = {"sub": sub, "nonce": asked["nonce"], **claims, "_challenge": asked["code_challenge"]}
        return self.callback(asked, code=code)

    def callback(self, asked: dict[str, str], **told: str) -> str:
        return f"{urlsplit(asked['redirect_uri']).path}?{urlencode({'state': asked['state'], **told})}"

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(request.path)
        if request.path in self.answers:
            made = self.answers[request.path]()
            answered = await made if asyncio.iscoroutine(made) else made
            return answered if isinstance(answered, web.StreamResponse) else web.json_response(answered)
        known = {
            "/.well-known/openid-configuration": self._metadata,
            "/keys": self._keys,
            "/userinfo": self._userinfo,
        }
        if request.path == "/token":
            return await self._token(request)
        if request.path == "/authorize":
            return self._page(str(request.url))
        return web.json_response(known[request.path]()) if request.path in known else web.Response(status=404)

    def _page(self, url: str) -> web.Response:
        """Where whoever sits there logs in."""
        back = urlsplit(parse_qs(urlsplit(url).query)["redirect_uri"][0])
        link = escape(f"{back.scheme}://{back.netloc}{self.vouch(url, **self.sitting)}")
        page = f'<!doctype html><html lang="en"><title>Provider</title><a href="{link}">Log in there</a>'
        return web.Response(text=page, content_type="text/html")

    def _metadata(self) -> dict[str, Any]:
        made = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo" if self.userinfo else None,
        }
        return {name: value for name, value in (made | self.metadata).items() if value is not None}

    def _keys(self) -> dict[str, Any]:
        return {"keys": [self.key.as_dict(private=False)] if self.published is None else self.published}

    def _userinfo(self) -> dict[str, Any]:
        return self.userinfo

    async def _token(self, request: web.BaseRequest) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append(form)
        self.authorization.append(request.headers.get("Authorization"))
        known = self._codes.pop(form.get("code", ""), None)
        if known is None or known.pop("_challenge") != challenge(form["code_verifier"]):
            return web.json_response({"error": "invalid_grant"}, status=400)
        answer = {"access_token": "at-" + secrets.token_urlsafe(8), "token_type": "Bearer"}
        told = {name: value for name, value in (self._claims() | known | self.claims).items() if value is not None}
        answer["id_token"] = self.forge(told) if self.forge else self.sign(told)
        return web.json_response(answer | self.sent)

    def _claims(self) -> dict[str, Any]:
        now = int(time.time())
        return {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300}

    def sign(self, claims: dict[str, Any], *, key: Key | None = None, **header: Any) -> str:
        signer = key or self.key
        alg = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}.get(signer.key_type, "HS256")
        head = {"alg": alg, "kid": signer.kid, **self.header, **header}
        return jwt.encode(head, claims, signer, algorithms=[head["alg"]])


def challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def unsigned(claims: dict[str, Any]) -> str:
    """A token that nobody signed (`alg: none`)."""
    parts = [json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, claims)]
    return ".".join([*(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), ""])


def _listen(host: str) -> socket.socket:
    """On a port where no provider of this run listened before."""
    while True:
        listening = socket.create_server((host, 0))
        if (port := listening.getsockname()[1]) not in _TAKEN_PORTS:
            _TAKEN_PORTS.add(port)
            return listening
        listening.close()


@asynccontextmanager
async def providing(**made: Any) -> AsyncIterator[Provider]:
    provider = Provider(**made)
    runner = web.ServerRunner(web.Server(provider.serve, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    listening = _listen(provider.host)
    provider.port = listening.getsockname()[1]
    await web.SockSite(runner, listening).start()
    try:
        yield provider
    finally:
        await runner.cleanup()


@dataclass
class World:
    """Auth, and who meets at it to sign on."""

    doors: Doors
    identities: Identities

    def browser(self) -> Browser:
        return Browser(self.doors.client)

    async def connect(self, admin: Someone, provider: Provider, **fields: Any) -> dict[str, Any]:
        """The connection of the admin's organization with a provider."""
        answer = await self.try_to_connect(admin, provider.issuer, **fields)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def try_to_connect(self, admin: Someone, issuer: str, **fields: Any) -> httpx2.Response:
        wanted = {"name": "Example", "issuer": issuer, "client_id": CLIENT_ID, "client_secret": "s3cret", **fields}
        return await self.doors.client.post(f"{AUTH}/sign-on-connections", json=wanted, headers=admin.headers)

    async def change(self, admin: Someone, connection: dict[str, Any], **fields: Any) -> httpx2.Response:
        path = f"{AUTH}/sign-on-connections/{connection['id']}"
        return await self.doors.client.patch(path, json=fields, headers=admin.headers)

    async def prove(self, domain: str, admin: Someone) -> None:
        """An operator has seen that the domain is the admin's organization's."""
        operator = self.identities.headers(self.identities.principal("operator"))
        body = {"organization_id": admin.organization_id}
        answer = await self.doors.client.put(f"{AUTH}/sign-on-domains/{domain}", json=body, headers=operator)
        assert answer.status_code == 200, answer.text

    async def begin(self, browser: Browser, connection: dict[str, Any], **query: str) -> str:
        """Where the browser is sent: the provider's authorization endpoint."""
        answer = await browser.get(path_of(connection, **query))
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    async def sign_on(
        self, connection: dict[str, Any], provider: Provider, *, browser: Browser | None = None, **told: Any
    ) -> httpx2.Response:
        """What the browser is answered when it comes back from the provider."""
        sits_at = browser or self.browser()
        url = await self.begin(sits_at, connection)
        return await sits_at.get(provider.vouch(url, **told))

    async def who(self, browser: Browser) -> dict[str, Any]:
        """Who has logged in by the browser."""
        answer = await browser.get(f"{AUTH}/browser-session")
        assert answer.status_code == 200, answer.text
        known: dict[str, Any] = answer.json()
        return known

    async def link_of_app(self, connection: dict[str, Any], provider: Provider, verifier: str, **told: Any) -> str:
        """The link by which an app takes over."""
        browser = self.browser()
        query = {"app_link": APP_LINK, "code_challenge": challenge(verifier), "state": "mine"}
        url = await self.begin(browser, connection, **query)
        answer = await browser.get(provider.vouch(url, **told))
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    async def enter(self, connection: dict[str, Any], provider: Provider, **told: Any) -> Someone:
        """Somebody who has signed on by an app."""
        verifier = secrets.token_urlsafe(32)
        link = await self.link_of_app(connection, provider, verifier, **told)
        answer = await self.trade(parse_qs(urlsplit(link).query)["code"][0], verifier)
        assert answer.status_code == 200, answer.text
        known = answer.json()
        names = ("person_id", "organization_id", "access_token", "refresh_token")
        return Someone(email=str(told.get("email")), **{name: known[name] for name in names})

    async def trade(self, code: str, verifier: str) -> httpx2.Response:
        body = {"code": code, "code_verifier": verifier}
        return await self.doors.client.post(f"{AUTH}/sign-on/tokens", json=body)

    async def link(self, someone: Someone, connection: dict[str, Any], browser: Browser) -> str:
        """Where the browser of somebody who links an identity is sent."""
        body = {"connection_id": connection["id"]}
        answer = await browser.send(f"{AUTH}/me/identities", body, **someone.headers)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["url"])

    async def identities_of(self, someone: Someone) -> list[dict[str, Any]]:
        answer = await self.doors.client.get(f"{AUTH}/me/identities", headers=someone.headers)
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    async def roles_of(self, admin: Someone, person_id: str) -> list[str]:
        path = f"{AUTH}/organizations/{admin.organization_id}/members"
        members = (await self.doors.client.get(path, headers=admin.headers, params={"limit": 200})).json()["items"]
        return next(member["roles"] for member in members if member["person_id"] == person_id)

    async def log_of(self, admin: Someone, action: str) -> list[dict[str, Any]]:
        answer = await self.doors.client.get(f"{AUTH}/audit", params={"action": action}, headers=admin.headers)
        found: list[dict[str, Any]] = answer.json()["items"]
        return found


def path_of(connection: dict[str, Any], **query: str) -> str:
    path = urlsplit(connection["log_in_url"]).path
    return f"{path}?{urlencode(query)}" if query else path


def a_sub() -> str:
    return f"sub-{new_id().hex}"


def a_domain() -> str:
    return f"d{new_id().hex}.example"
