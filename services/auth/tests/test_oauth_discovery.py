"""An unmodified client, authlib's, finds everything by discovery and works against a Stoa that runs on loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import httpx2
import pytest
import pytest_asyncio
import uvicorn
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc import jwt
from joserfc.jwk import KeySet
from pydantic import SecretStr

from stoa_auth.dependencies import open_resources
from stoa_auth.keys.service import KeyRing
from stoa_auth.settings import Settings
from stoa_common.database import Database
from stoa_common.errors import Unauthenticated, Unavailable
from stoa_common.on_behalf import OnBehalf
from stoa_common.resources import Resources
from stoa_common.security import TokenVerifier
from stoa_common.service import Service
from stoa_common.testing.identities import Identities

from .conftest import Doors, OwnKeys, Someone
from .oauth_world import AUTH, CALLBACK, Browser, allow, at_a_browser, claims_of, register, register_machine

#: With what HTTP Basic takes only form-encoded.
SERVICE_SECRET = "100% a secret + of the service: long enough"
MEMBERS = [
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "jwks_uri",
    "introspection_endpoint",
    "revocation_endpoint",
    "end_session_endpoint",
]


@dataclass(frozen=True)
class Running:
    """A Stoa that clients reach over a socket, and what it says of itself."""

    url: str
    doors: Doors
    discovered: dict[str, Any]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stoa(
    service: Service, settings: Settings, database: Database, identities: Identities
) -> AsyncIterator[Running]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        told = settings.model_copy(update={"issuer": url, "ai_client_secret": SecretStr(SERVICE_SECRET)})
        async with open_resources(told) as opened:
            resources = Resources([told, *opened])
            verifier = TokenVerifier(OwnKeys(resources.get(KeyRing), identities), issuer=url)
            app = service.build_app(resources, verifier, database)
            server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
            running = asyncio.create_task(server.serve(sockets=[listening]))
            try:
                async with httpx2.AsyncClient(base_url=url) as client:
                    discovered = await _discover(client)
                    yield Running(url, Doors(client), discovered)
            finally:
                server.should_exit = True
                await asyncio.wait_for(running, 20)


async def _discover(client: httpx2.AsyncClient) -> dict[str, Any]:
    for _ in range(100):
        try:
            answer = await client.get("/.well-known/openid-configuration")
        except httpx2.ConnectError:
            await asyncio.sleep(0.1)
            continue
        found: dict[str, Any] = answer.json()
        return found
    raise AssertionError("It does not listen.")


@pytest_asyncio.fixture(loop_scope="session")
async def ada(stoa: Running) -> Someone:
    return await stoa.doors.newcomer()


async def test_a_client_finds_everything_where_the_issuer_is(stoa: Running) -> None:
    same = (await stoa.doors.client.get("/.well-known/oauth-authorization-server")).json()

    assert stoa.discovered["issuer"] == stoa.url
    assert all(stoa.discovered[name].startswith(stoa.url) for name in MEMBERS)
    assert same == stoa.discovered
    assert stoa.discovered["code_challenge_methods_supported"] == ["S256"]
    assert "none" not in stoa.discovered["id_token_signing_alg_values_supported"]


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
@pytest.mark.parametrize("algorithm", ["RS256", "EdDSA"])
async def test_authlib_gets_a_code_and_tokens_by_discovery_alone(
    stoa: Running, ada: Someone, method: str, algorithm: str
) -> None:
    scope = "openid profile email offline_access course:read"
    app = await register(
        stoa.doors.client,
        ada.headers,
        confidential=method != "none",
        scopes=scope.split(),
        id_token_algorithm=algorithm,
    )
    verifier, nonce = generate_token(64), generate_token(20)
    async with AsyncOAuth2Client(
        app.id,
        app.secret,
        token_endpoint_auth_method=method,
        scope=scope,
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
    ) as client:
        url, state = client.create_authorization_url(
            stoa.discovered["authorization_endpoint"], code_verifier=verifier, nonce=nonce
        )
        answered = await _person_allows(stoa, ada, url)
        token = await client.fetch_token(
            stoa.discovered["token_endpoint"], authorization_response=answered, code_verifier=verifier, state=state
        )
        who = await client.get(stoa.discovered["userinfo_endpoint"])
        renewed = await client.refresh_token(stoa.discovered["token_endpoint"])

    assert f"iss={stoa.url.replace(':', '%3A').replace('/', '%2F')}" in answered
    assert token["scope"] == scope
    assert (who.json()["sub"], who.json()["email"]) == (ada.person_id, ada.email)
    assert renewed["refresh_token"] != token["refresh_token"]
    keys = KeySet.import_key_set((await stoa.doors.client.get(stoa.discovered["jwks_uri"])).json())
    read = jwt.decode(token["id_token"], keys, algorithms=[algorithm])
    assert (read.header["alg"], read.claims["nonce"]) == (algorithm, nonce)
    assert (read.claims["iss"], read.claims["aud"]) == (stoa.discovered["issuer"], app.id)


async def _person_allows(stoa: Running, person: Someone, url: str) -> str:
    """What the browser's address bar shows in the end."""
    browser: Browser = await at_a_browser(stoa.doors.client, person)
    answer = await browser.get(url)
    if answer.status_code == 200:
        answer = await allow(browser, answer)
    return str(answer.headers["location"])


async def test_authlib_acts_as_itself_asks_about_tokens_and_hands_them_back(stoa: Running, ada: Someone) -> None:
    app = await register_machine(stoa.doors.client, ada.headers, "course:read", "member:read")
    async with AsyncOAuth2Client(app.id, app.secret, scope="member:read") as client:
        token = await client.fetch_token(stoa.discovered["token_endpoint"], grant_type="client_credentials")
        path = f"{stoa.url}{AUTH}/organizations/{ada.organization_id}/members"
        members = await client.get(path)
        known = await client.introspect_token(stoa.discovered["introspection_endpoint"], token=token["access_token"])
        handed = await client.revoke_token(stoa.discovered["revocation_endpoint"], token=token["access_token"])

    assert [member["person_id"] for member in members.json()["items"]] == [ada.person_id]
    assert (known.json()["active"], known.json()["scope"]) == (True, "member:read")
    assert handed.status_code == 200


async def test_authlib_understands_what_is_refused(stoa: Running, ada: Someone) -> None:
    app = await register_machine(stoa.doors.client, ada.headers)
    async with AsyncOAuth2Client(app.id, "wrong") as client:
        with pytest.raises(OAuthError) as refused:
            await client.fetch_token(stoa.discovered["token_endpoint"], grant_type="client_credentials")

    assert refused.value.error == "invalid_client"


async def test_a_service_works_for_its_caller_by_its_own_credential(stoa: Running, ada: Someone) -> None:
    async with aiohttp.ClientSession() as http:
        ai = OnBehalf(http, stoa.url, service="ai", secret=SERVICE_SECRET)
        stranger = OnBehalf(http, stoa.url, service="ai", secret="another")

        read: dict[str, Any] = {"audience": "content", "permissions": ["course:read"]}
        token = await ai.token_for(ada.access_token, **read)
        again = await ai.token_for(ada.access_token, **read)
        elsewhere = await ai.token_for(ada.access_token, **{**read, "audience": "analytics"})
        with pytest.raises(Unauthenticated):
            await ai.token_for(ada.access_token, **{**read, "permissions": ["platform:write"]})
        with pytest.raises(Unauthenticated):
            await ai.token_for(f"{ada.access_token[:-4]}AAAA", **read)
        with pytest.raises(Unavailable):
            await stranger.token_for(ada.access_token, **read)

    claims = claims_of(token)
    assert again == token
    assert [claims["aud"], claims_of(elsewhere)["aud"]] == ["stoa:content", "stoa:analytics"]
    assert (claims["sub"], claims["act"], claims["permissions"]) == (
        ada.person_id,
        {"sub": "service:ai"},
        ["course:read"],
    )
