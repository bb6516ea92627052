"""Fixtures of auth's tests: the service on a database of its own, with cheap password hashing, and people in it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI
from joserfc.jwk import KeySet
from pydantic import SecretStr

from stoa_auth.keys.service import KeyRing
from stoa_auth.mail.writing import Mailing
from stoa_auth.processes import service as auth
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.on_behalf import taken_by
from stoa_common.resources import Resources
from stoa_common.security import TokenVerifier
from stoa_common.service import Service
from stoa_common.testing.identities import ISSUER, Identities

from .postbox import Postbox

PASSWORD = "correct horse battery"
SCOPES = ["answer:create", "course:read"]


@pytest.fixture(scope="session")
def service() -> Service:
    return auth


@pytest.fixture(scope="session")
def settings_overrides() -> dict[str, Any]:
    return {
        "keys_secret": SecretStr("a secret for tests, long enough for all"),
        # Parts what these tests write to Redis from what another platform does.
        "kafka_topic_prefix": f"t{new_id().hex}.",
        "argon2_memory_kib": 64,
        "argon2_iterations": 1,
        # Tests of these rules set them again; all others would share one network and wait for each other.
        "inviting_needs_verified_email": False,
        "log_in_network_free_failures": 100_000,
        # Tests' OpenID providers listen here; the other addresses of this machine stay out of reach.
        "sign_on_allow_http": True,
        "sign_on_allowed_networks": "127.0.0.2/32",
        "sign_on_app_links": "com.example.app:/sign-on",
    }


@dataclass
class OwnKeys:
    """The keys that auth itself publishes, and the key of the tests' identities."""

    ring: KeyRing
    identities: Identities

    async def key_set(self, *, missing: str | None = None) -> KeySet:
        tests = self.identities.key.as_dict(private=False)
        return KeySet.import_key_set({"keys": [*await self.ring.public_keys(), tests]})


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def app(service: Service, resources: Resources, identities: Identities, database: Database) -> FastAPI:
    keys = OwnKeys(resources.get(KeyRing), identities)
    verifier = TokenVerifier(keys, issuer=ISSUER, audiences=taken_by("auth"))
    return service.build_app(resources, verifier, database)


@dataclass(frozen=True)
class Someone:
    """A person who has registered and logged in."""

    email: str
    person_id: str
    organization_id: str | None
    access_token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}


class Doors:
    """Auth as clients use it."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client

    async def register(self, email: str, **fields: Any) -> httpx2.Response:
        body = {"email": email, "password": PASSWORD, **fields}
        return await self.client.post("/api/v1/auth/register", json=body)

    async def log_in(self, email: str, **fields: Any) -> httpx2.Response:
        body = {"email": email, "password": PASSWORD, **fields}
        return await self.client.post("/api/v1/auth/login", json=body)

    async def refresh(self, token: str) -> httpx2.Response:
        return await self.client.post("/api/v1/auth/refresh", json={"refresh_token": token})

    async def enter(self, email: str, **fields: Any) -> Someone:
        answer = await self.log_in(email, **fields)
        assert answer.status_code == 200, answer.text
        known = answer.json()
        names = ("person_id", "organization_id", "access_token", "refresh_token")
        return Someone(email=email, **{name: known[name] for name in names})

    async def newcomer(self, **fields: Any) -> Someone:
        """Somebody new, logged in; the owner of their own organization unless they were invited."""
        email = an_address()
        answer = await self.register(email, **fields)
        assert answer.status_code == 202, answer.text
        return await self.enter(email)

    async def invite(self, admin: Someone, *roles: str, **fields: Any) -> str:
        """An invitation's token."""
        path = f"/api/v1/auth/organizations/{admin.organization_id}/invitations"
        answer = await self.client.post(path, json={"roles": list(roles), **fields}, headers=admin.headers)
        assert answer.status_code == 201, answer.text
        token: str = answer.json()["token"]
        return token

    async def member(self, admin: Someone, *roles: str) -> Someone:
        """Somebody new in the admin's organization."""
        return await self.newcomer(invitation=await self.invite(admin, *roles))

    async def make_key(self, someone: Someone, **fields: Any) -> dict[str, Any]:
        """An API key of theirs, with its text under `key`."""
        body = {"name": "Nightly import", "scopes": SCOPES, **fields}
        answer = await self.client.post("/api/v1/auth/api-keys", json=body, headers=someone.headers)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def rotate_key(self, someone: Someone, key: dict[str, Any], **fields: Any) -> httpx2.Response:
        body = {"prefix": key["prefix"], **fields}
        path = f"/api/v1/auth/api-keys/{key['id']}/rotate"
        return await self.client.post(path, json=body, headers=someone.headers)

    async def exchange(self, key: str) -> httpx2.Response:
        """What auth gives for the text of an API key."""
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token_type": "urn:stoa:token-type:api-key",
            "subject_token": key,
        }
        return await self.client.post("/api/v1/auth/token", data=form)

    async def opens(self, key: str) -> bool:
        answer = await self.exchange(key)
        assert answer.status_code in {200, 401}, answer.text
        return answer.status_code == 200


def an_address() -> str:
    return f"person-{new_id().hex}@example.org"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def doors(client: httpx2.AsyncClient) -> AsyncIterator[Doors]:
    yield Doors(client)


@pytest.fixture
def postbox(database: Database, resources: Resources) -> Postbox:
    return Postbox(database, resources.get(Mailing))
