"""An unmodified OpenID client against the whole platform, through the gateway: pages, cookies, forms and all."""

import re
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.jwk import KeySet
from world import PASSWORD, World

AUTH = "/api/v1/auth"
CALLBACK = "https://app.example.com/callback"
SCOPE = "openid email offline_access course:read"
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


class Browser:
    """As far as auth's pages need one. It shows secure cookies to a loopback, as real ones do."""

    def __init__(self, api: httpx2.Client) -> None:
        self._api = api
        self._cookies: dict[str, str] = {}

    def get(self, url: str) -> httpx2.Response:
        return self._kept(self._api.get(url, headers=self._headers()))

    def submit(self, page: httpx2.Response, url: str, **values: str) -> httpx2.Response:
        hidden = {unescape(name): unescape(value) for name, value in _HIDDEN.findall(page.text)}
        headers = {**self._headers(), "Origin": str(self._api.base_url).rstrip("/")}
        return self._kept(self._api.post(url, data={**hidden, **values}, headers=headers))

    def _headers(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}

    def _kept(self, answer: httpx2.Response) -> httpx2.Response:
        for header in answer.headers.get_list("set-cookie"):
            name, _, rest = header.partition("=")
            self._cookies[name] = rest.partition(";")[0].strip('"')
        return answer


@pytest.fixture(scope="module")
def discovered(api: httpx2.Client) -> dict[str, Any]:
    told: dict[str, Any] = api.get("/.well-known/openid-configuration").json()
    return told


def register(api: httpx2.Client, world: World, **fields: Any) -> dict[str, Any]:
    body = {"name": "Course reports", "redirect_uris": [CALLBACK], "scopes": SCOPE.split(), **fields}
    made = api.post(f"{AUTH}/clients", json=body, headers=world.owner.headers)
    assert made.status_code == 201, made.text
    told: dict[str, Any] = made.json()
    return told


def test_the_issuer_is_where_the_gateway_is(api: httpx2.Client, discovered: dict[str, Any]) -> None:
    assert discovered["issuer"] == str(api.base_url).rstrip("/")
    assert api.get("/.well-known/oauth-authorization-server").json() == discovered


def test_a_person_logs_in_to_an_app_by_stoa(api: httpx2.Client, world: World, discovered: dict[str, Any]) -> None:
    app, verifier, nonce = register(api, world), generate_token(64), generate_token(20)
    client = OAuth2Client(
        app["id"], app["client_secret"], scope=SCOPE, redirect_uri=CALLBACK, code_challenge_method="S256"
    )
    url, state = client.create_authorization_url(
        discovered["authorization_endpoint"], code_verifier=verifier, nonce=nonce
    )

    answered = _logs_in_and_allows(Browser(api), url, world.owner.email)
    token = client.fetch_token(
        discovered["token_endpoint"], authorization_response=answered, code_verifier=verifier, state=state
    )
    who = client.get(discovered["userinfo_endpoint"]).json()
    courses = client.get(f"{discovered['issuer']}/api/v1/content/courses")
    members = client.get(f"{discovered['issuer']}{AUTH}/organizations/{world.owner.organization_id}/members")

    assert (who["sub"], who["email"]) == (world.owner.person_id, world.owner.email)
    assert (courses.status_code, members.status_code) == (200, 403)
    keys = KeySet.import_key_set(api.get(discovered["jwks_uri"]).json())
    read = jwt.decode(token["id_token"], keys, algorithms=["RS256"])
    assert (read.claims["iss"], read.claims["aud"]) == (discovered["issuer"], app["id"])
    assert read.claims["nonce"] == nonce


def _logs_in_and_allows(browser: Browser, url: str, email: str) -> str:
    """What the address bar shows in the end."""
    sent = browser.get(url)
    log_in = sent.headers["location"]
    browser.submit(browser.get(log_in), log_in, email=email, password=PASSWORD)
    page = browser.get(url)
    assert page.status_code == 200, page.text
    answered: str = browser.submit(page, f"{AUTH}/authorize/decision", decision="allow").headers["location"]
    assert urlsplit(answered).hostname == "app.example.com"
    return answered


def test_a_program_acts_as_itself(api: httpx2.Client, world: World, discovered: dict[str, Any]) -> None:
    app = register(api, world, grants=["client_credentials"], redirect_uris=[], scopes=["course:read", "member:read"])
    client = OAuth2Client(app["id"], app["client_secret"], scope="course:read")

    token = client.fetch_token(discovered["token_endpoint"], grant_type="client_credentials")
    courses = client.get(f"{discovered['issuer']}/api/v1/content/courses")
    client.revoke_token(discovered["revocation_endpoint"], token=token["access_token"])

    assert courses.status_code == 200
    assert world.ids["course_id"] in courses.text
