"""A directory that provisions an organization by SCIM, as tests play it."""

from dataclasses import dataclass
from typing import Any

import httpx2
from sqlalchemy import select

from stoa_auth.database import Person
from stoa_common.database import Database

from .conftest import Doors, Someone, an_address
from .postbox import Postbox

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ROLE = "urn:stoa:scim:schemas:extension:role:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


@dataclass
class DirectoryOf:
    """The directory of one organization, whose owner made its key."""

    client: httpx2.AsyncClient
    owner: Someone
    headers: dict[str, str]

    @classmethod
    async def somebody(cls, doors: Doors) -> "DirectoryOf":
        """With a key of a new organization's owner, which does nothing but this."""
        owner = await doors.newcomer()
        return await cls.by(doors, owner, scopes=["scim:write"])

    @classmethod
    async def by(cls, doors: Doors, owner: Someone, *, scopes: list[str]) -> "DirectoryOf":
        key = await doors.make_key(owner, scopes=scopes)
        token = (await doors.exchange(key["key"])).json()["access_token"]
        return cls(doors.client, owner, {"Authorization": f"Bearer {token}"})

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = {"Content-Type": "application/scim+json"} if body is not None else {}
        return await self.client.request(method, f"/scim/v2{path}", json=body, headers=self.headers | kind | named)

    async def told(
        self, method: str, path: str, body: Any = None, *, code: int = 200, **headers: str
    ) -> dict[str, Any]:
        answer = await self.ask(method, path, body, **headers)
        assert answer.status_code == code, answer.text
        assert answer.headers["content-type"] == "application/scim+json"
        found: dict[str, Any] = answer.json()
        return found

    async def user(self, user_name: str | None = None, **said: Any) -> dict[str, Any]:
        body = {"schemas": [USER], "userName": user_name or an_address(), **said}
        return await self.told("POST", "/Users", body, code=201)

    async def group(self, name: str, *members: dict[str, Any], **said: Any) -> dict[str, Any]:
        body = {"schemas": [GROUP], "displayName": name, "members": [{"value": m["id"]} for m in members], **said}
        return await self.told("POST", "/Groups", body, code=201)

    async def patch(self, path: str, *operations: dict[str, Any], **headers: Any) -> dict[str, Any]:
        return await self.told("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, **headers)

    async def find(self, wanted: str, *, kind: str = "Users") -> list[dict[str, Any]]:
        answer = await self.client.get(f"/scim/v2/{kind}", params={"filter": wanted}, headers=self.headers)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["Resources"]
        return found

    async def members(self) -> dict[str, dict[str, Any]]:
        """The organization's members by address, as its owner sees them."""
        path = f"/api/v1/auth/organizations/{self.owner.organization_id}/members"
        answer = await self.client.get(path, params={"limit": 200}, headers=self.owner.headers)
        assert answer.status_code == 200, answer.text
        return {member["email"]: member for member in answer.json()["items"]}


async def person_of(database: Database, email: str) -> Person | None:
    async with database.transaction() as session:
        return await session.scalar(select(Person).where(Person.email == email))


async def verify(doors: Doors, postbox: Postbox, email: str) -> None:
    code = await postbox.code(email, "verify-email")
    assert (await doors.client.post("/api/v1/auth/verify-email", json={"token": code})).status_code == 204
