"""OAuth as tests meet it: a browser that somebody sits at, and clients that were registered."""

import base64
import hashlib
import json
import re
import secrets
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
from sqlalchemy import select

from stoa_auth.database import Revocation
from stoa_common.database import Database

from .conftest import PASSWORD, Someone

AUTH = "/api/v1/auth"
CALLBACK = "https://app.example.com/callback"
OFFLINE = ["openid", "profile", "email", "offline_access", "course:read", "course:write", "member:read"]
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


@dataclass
class Browser:
    """A browser as far as auth's pages need one: it keeps cookies, fills in forms, and follows nothing by itself."""

    client: httpx2.AsyncClient
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return str(self.client.base_url).rstrip("/")

    async def get(self, url: str) -> httpx2.Response:
        return self._kept(await self.client.get(url, headers=self._headers()))

    async def submit(self, page: httpx2.Response, url: str, **values: str) -> httpx2.Response:
        """Send a page's form, its hidden fields beside what was filled in."""
        hidden = {unescape(name): unescape(value) for name, value in _HIDDEN.findall(page.text)}
        headers = {**self._headers(), "Origin": self.origin}
        return self._kept(await self.client.post(url, data={**hidden, **values}, headers=headers))

    async def log_in(self, email: str, url: str = f"{AUTH}/pages/log-in") -> httpx2.Response:
        page = await self.get(url)
        assert page.status_code == 200, page.text
        answer = await self.submit(page, url, email=email, password=PASSWORD)
        assert answer.status_code in (200, 303), answer.text
        return answer

    def _headers(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}

    def _kept(self, answer: httpx2.Response) -> httpx2.Response:
        for header in answer.headers.get_list("set-cookie"):
            name, _, rest = header.partition("=")
            value = rest.partition(";")[0].strip('"')
            if value and "Max-Age=0" not in header:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return answer


@dataclass
class App:
    """A client: what it was registered with, and its side of a code with PKCE."""

    http: httpx2.AsyncClient
    id: str
    secret: str | None
    redirect_uri: str = CALLBACK
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def auth(self) -> httpx2.Auth:
        """HTTP Basic, or nothing for a client without a secret."""
        return httpx2.BasicAuth(self.id, self.secret) if self.secret else httpx2.Auth()

    def link(self, **changed: str | None) -> str:
        """Where the app sends a browser; None leaves a parameter out."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        wanted: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid course:read",
            "state": "of-the-app",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **changed,
        }
        return f"{AUTH}/authorize?{urlencode({name: value for name, value in wanted.items() if value is not None})}"

    async def token(self, **form: str) -> httpx2.Response:
        """What the token endpoint answers, asked by HTTP Basic, or by the client's name alone if it has no secret."""
        named = {} if self.secret else {"client_id": self.id}
        return await self.http.post(f"{AUTH}/token", data={**named, **form}, auth=self.auth)

    async def redeem(self, code: str, /, **changed: str) -> httpx2.Response:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri}
        return await self.token(**{**form, "code_verifier": self.verifier, **changed})

    async def refresh(self, token: str, **form: str) -> httpx2.Response:
        return await self.token(grant_type="refresh_token", refresh_token=token, **form)


async def register(http: httpx2.AsyncClient, who: dict[str, str], **fields: Any) -> App:
    """A client of the organization of whoever's headers these are; of the platform for an operator's."""
    body = {"name": "Course reports", "redirect_uris": [CALLBACK], "scopes": ["openid", "course:read"], **fields}
    answer = await http.post(f"{AUTH}/clients", json=body, headers=who)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    return App(http, made["id"], made["client_secret"], redirect_uri=(body["redirect_uris"] or [CALLBACK])[0])


async def register_machine(http: httpx2.AsyncClient, who: dict[str, str], *scopes: str) -> App:
    """A client that acts as itself."""
    fields = {"redirect_uris": [], "grants": ["client_credentials"], "scopes": list(scopes) or ["course:read"]}
    return await register(http, who, **fields)


async def allow(browser: Browser, page: httpx2.Response, *, decision: str = "allow") -> httpx2.Response:
    """Answer the page that asks for consent."""
    assert page.status_code == 200, page.text
    answer = await browser.submit(page, f"{AUTH}/authorize/decision", decision=decision)
    assert answer.status_code == 303, answer.text
    return answer


async def code_of(browser: Browser, app: App, **changed: str | None) -> str:
    """A code for somebody who is logged in at this browser, asked for consent if need be."""
    answer = await browser.get(app.link(**changed))
    if answer.status_code == 200:
        answer = await allow(browser, answer)
    return told(answer)["code"]


async def at_a_browser(http: httpx2.AsyncClient, someone: Someone) -> Browser:
    browser = Browser(http)
    await browser.log_in(someone.email)
    return browser


def told(answer: httpx2.Response) -> dict[str, str]:
    """What a redirect tells the client."""
    assert answer.status_code == 303, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def claims_of(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims


class World:
    """Somebody at a browser, and a client that they allowed things."""

    def __init__(self, someone: Someone, browser: Browser, app: App) -> None:
        self.someone, self.browser, self.app = someone, browser, app

    async def tokens(self, scope: str = "openid course:read offline_access") -> dict[str, str]:
        answer = await self.app.redeem(await code_of(self.browser, self.app, scope=scope))
        assert answer.status_code == 200, answer.text
        given: dict[str, str] = answer.json()
        return given


async def a_world(http: httpx2.AsyncClient, someone: Someone) -> World:
    """They sit at a browser, and their organization has a client for everything that tests ask for."""
    return World(someone, await at_a_browser(http, someone), await register(http, someone.headers, scopes=OFFLINE))


def error(answer: httpx2.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["error_description"]
    return answer.status_code, answer.json()["error"]


async def is_revoked(database: Database, subject: str) -> bool:
    async with database.transaction() as session:
        return await session.scalar(select(Revocation.number).where(Revocation.subject == subject).limit(1)) is not None
