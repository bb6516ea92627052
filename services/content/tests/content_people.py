"""People of the tests, and what a test can ask of the fixtures that act for them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2

from stoa_common.security import Principal

API = "/api/v1/content"


@dataclass(frozen=True)
class Someone:
    """A person with a client: every request is theirs."""

    principal: Principal
    client: httpx2.AsyncClient
    headers: dict[str, str]

    @property
    def person_id(self) -> UUID:
        return self.principal.person_id

    async def get(self, path: str, **params: Any) -> httpx2.Response:
        return await self.client.get(API + path, headers=self.headers, params=params)

    async def post(self, path: str, json: Any = None, **kwargs: Any) -> httpx2.Response:
        headers = {**self.headers, **kwargs.pop("headers", {})}
        return await self.client.post(API + path, headers=headers, json=json, **kwargs)

    async def upload(self, archive: bytes, **headers: str) -> httpx2.Response:
        return await self.post("/imports", content=archive, headers=headers)


MakeSomeone = Callable[..., Someone]
RunJob = Callable[[str], Awaitable[None]]
ImportCourse = Callable[..., Awaitable[str]]
