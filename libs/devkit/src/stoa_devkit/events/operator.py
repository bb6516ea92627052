"""An operator at the gateway: who they are, and the services' messaging as they see it."""

import asyncio
import difflib
import re
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

import httpx2
import typer
from rich.console import Console

from stoa_devkit import settings
from stoa_devkit.demo.address import PlatformIsNotUp, check_address, running_gateway
from stoa_devkit.demo.client import JSON, Gateway, Refused
from stoa_devkit.demo.retries import Patience
from stoa_devkit.environment import OPERATOR_EMAIL, OPERATOR_SECRET
from stoa_devkit.settings import Settings
from stoa_devkit.state import State
from stoa_devkit.trouble import Trouble

T = TypeVar("T")
NOT_UP, REFUSED = 2, 1
#: An operator at a terminal would rather know soon.
PATIENCE = Patience(seconds=6.0)
GatewayOption = Annotated[
    str | None, typer.Option("--gateway", help="The gateway's URL; the running platform's if not given.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON, for programs.")]


@dataclass
class Operator:
    """Somebody with `platform:` permissions. Each call logs in again where the token has run out."""

    gateway: Gateway
    email: str
    password: str | None = field(repr=False)
    token: str = field(default="", repr=False)

    async def get(self, path: str, **query: Any) -> Any:
        return await self._call("GET", _with_query(path, query), {})

    async def download(self, path: str, **query: Any) -> AsyncIterator[bytes]:
        """The bytes of an answer that may be long, as they come."""
        if not self.token:
            await self._log_in()
        async for piece in self.gateway.download(_with_query(path, query), headers=self._authorization()):
            yield piece

    async def authorization(self) -> dict[str, str]:
        """The header of a request that goes past the gateway."""
        if not self.token:
            await self._log_in()
        return self._authorization()

    async def send(self, method: str, path: str, body: JSON | None = None) -> Any:
        """Write once: the same key goes with every repetition."""
        return await self._call(method, path, {"Idempotency-Key": secrets.token_hex(16)}, body=body)

    async def pages(self, path: str, **query: Any) -> AsyncIterator[JSON]:
        """The items of every page of a list."""
        after: str | None = None
        while True:
            page = await self.get(path, **query, after=after)
            for item in page["items"]:
                yield item
            if (after := page["next"]) is None:
                return

    async def services(self, showing: str = "groups") -> list[str]:
        """The services that show operators their `groups`, `parked` events or `replays`, as the document tells."""
        document = await self.gateway.call("GET", "/openapi.json")
        found = (re.fullmatch(rf"/api/v1/([a-z-]+)/messaging/{showing}", path) for path in document["paths"])
        return sorted(match[1] for match in found if match)

    async def groups(self) -> list[JSON]:
        """Every group of every service."""
        pages = await asyncio.gather(*(self.get(messaging(name, "groups")) for name in await self.services()))
        return [group for page in pages for group in page["items"]]

    async def group(self, name: str) -> JSON:
        """One group; raises Trouble, which names those with the nearest names."""
        groups = {group["group"]: group for group in await self.groups()}
        if name not in groups:
            near = difflib.get_close_matches(name, groups, n=3, cutoff=0.4) or sorted(groups)
            raise Trouble(f"There is no consumer group {name}; there is {', '.join(near)}. See `stoa events lag`.")
        return groups[name]

    async def keeper_of(self, group: str) -> str:
        """The service that parks for this group and replays to it; raises Trouble where its service keeps nothing."""
        service = service_of(group)
        if service in await self.services() and service not in await self.services("parked"):
            raise Trouble(f"{service} has no database: nothing is parked for {group}, replayed to it or moved.")
        return service

    async def _call(self, method: str, path: str, headers: dict[str, str], **content: Any) -> Any:
        if not self.token:
            await self._log_in()
        try:
            return await self.gateway.call(method, path, headers={**headers, **self._authorization()}, **content)
        except Refused as refusal:
            if refusal.status != httpx2.codes.UNAUTHORIZED or self.password is None:
                raise
        await self._log_in()
        return await self.gateway.call(method, path, headers={**headers, **self._authorization()}, **content)

    async def _log_in(self) -> None:
        credentials = {"email": self.email, "password": self.password}
        session = await self.gateway.call("POST", "/api/v1/auth/login", body=credentials)
        self.token = session["access_token"]

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def _with_query(path: str, query: Mapping[str, Any]) -> str:
    given = {name: value for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def messaging(service: str, path: str) -> str:
    """Where a service's operators' routes are."""
    return f"/api/v1/{service}/messaging/{path}"


def service_of(group: str) -> str:
    """The service that a consumer group belongs to: the first part of its name."""
    return group.partition(".")[0]


def as_operator(gateway: str | None, work: Callable[[Operator], Awaitable[T]]) -> T:
    """Do something as the operator; what goes wrong is one sentence, and an exit code: 2 if no platform answers."""
    try:
        return asyncio.run(_connected(gateway, work))
    except Trouble as trouble:
        say(str(trouble))
        raise typer.Exit(NOT_UP if isinstance(trouble, PlatformIsNotUp) else REFUSED) from None


def say(sentence: str) -> None:
    """Tell what went wrong."""
    Console(stderr=True).print(f"stoa: {sentence}", style="red", soft_wrap=True, markup=False, highlight=False)


async def _connected(gateway: str | None, work: Callable[[Operator], Awaitable[T]]) -> T:
    url = gateway or running_gateway()
    await check_address(url)
    async with Gateway(url, patience=PATIENCE) as platform:
        return await work(_operator(platform, settings.read()))


def _operator(gateway: Gateway, found: Settings) -> Operator:
    """Who the environment says we are; a password that nobody gave is asked for, where somebody can answer."""
    email = found.get("STOA_OPERATOR_EMAIL") or found.get("AUTH_OPERATOR_EMAIL") or OPERATOR_EMAIL
    if (token := found.get("STOA_OPERATOR_TOKEN")) is not None:
        return Operator(gateway, email, None, token)
    untold = State(found.state).find_secret(OPERATOR_SECRET)
    password = found.get("STOA_OPERATOR_PASSWORD") or found.get("AUTH_OPERATOR_PASSWORD") or untold
    return Operator(gateway, email, password or _asked_password(email))


def _asked_password(email: str) -> str:
    if not sys.stdin.isatty():
        raise Trouble(
            "Only operators may see this: set STOA_OPERATOR_PASSWORD (and STOA_OPERATOR_EMAIL), or STOA_OPERATOR_TOKEN."
        )
    return str(typer.prompt(f"Password of {email}", hide_input=True, err=True))
