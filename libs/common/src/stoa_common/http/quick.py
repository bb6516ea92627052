"""The short way of a read that thousands ask for each second: past the framework, to one prepared statement.

Most of a small read's time is the framework's and the mapper's. A `Quick` answers the one usual case: a caller with a
token that holds, who may, asks for what exists, by its id alone. Of everything else it makes nothing: the route that it
belongs to answers, with its refusals, and says in the OpenAPI document what both do.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from starlette.types import ASGIApp, Receive, Scope, Send

from stoa_common.database import Database
from stoa_common.errors import Refusal
from stoa_common.http.access import PERMISSION, STEP_UP
from stoa_common.security import Principal, TokenVerifier

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]

_UUID_LENGTH: Final = 36
_ENDS_IN_ID: Final = re.compile(r"[^{}]*/\{[^{}/]+\}\Z")
Read = Callable[["Connection", Principal, UUID], Awaitable[bytes | None]]


class NoSuchRoute(LookupError):
    """A quick read belongs to a GET route that requires a permission and no step-up, and ends in its only id."""


class ValuesDoNotFit(TypeError):
    """A prepared statement is run with other values than it names."""


class Prepared:
    """A statement that SQLAlchemy writes once, and the driver runs: its values are bound by name."""

    def __init__(self, statement: "Select[*tuple[Any, ...]]") -> None:
        compiled = statement.compile(dialect=asyncpg_dialect())  # type: ignore[no-untyped-call]  # SQLAlchemy's
        self._sql = str(compiled)
        self._names: Sequence[str] = getattr(compiled, "positiontup", None) or ()
        self._held = compiled.params
        self._asked = frozenset(name for name, value in compiled.binds.items() if value.required)

    async def fetch(self, connection: "Connection", **values: object) -> "list[asyncpg.Record]":
        """All rows, for a value of each `bindparam` that holds none itself; raises ValuesDoNotFit."""
        # The driver would bind NULL for a value that is missing: a read that silently finds nothing, or too much.
        if values.keys() != self._asked:
            raise ValuesDoNotFit(_difference(self._asked, values))
        bound = self._held | values
        return await connection.fetch(self._sql, *(bound[name] for name in self._names))


def _difference(asked: Set[str], told: Mapping[str, object]) -> str:
    missing, unknown = sorted(asked - told.keys()), sorted(told.keys() - asked)
    sentences = ("The statement lacks a value for {}.", missing), ("The statement names no {}.", unknown)
    return " ".join(sentence.format(", ".join(names)) for sentence, names in sentences if names)


@dataclass(frozen=True, slots=True)
class Quick:
    """`path` is the template of a GET route that ends in an id; `read` answers JSON, or None where there is none."""

    path: str
    read: Read


@dataclass(frozen=True, slots=True)
class _Known:
    """A quick read, and what its route requires. Named as routes are, for metrics and traces."""

    path: str
    permission: str
    read: Read


class ShortWay:
    """Middleware that answers quick reads, and leaves the rest to the application."""

    def __init__(self, app: ASGIApp, reads: Iterable[Quick], routers: Sequence[APIRouter], database: Database) -> None:
        """Raises NoSuchRoute."""
        self._app = app
        self._database = database
        self._known: Mapping[str, _Known] = {
            quick.path.rpartition("/")[0]: _Known(quick.path, _permission(quick.path, routers), quick.read)
            for quick in reads
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET" and not scope["query_string"]:
            above, _, name = scope["path"].rpartition("/")
            if (known := self._known.get(above)) is not None and (body := await self._read(known, name, scope)):
                scope["route"] = known
                headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send({"type": "http.response.body", "body": body})
                return
        await self._app(scope, receive, send)

    async def _read(self, known: _Known, name: str, scope: Scope) -> bytes | None:
        wanted, token = _id(name), _token(scope)
        if wanted is None or token is None:
            return None
        verifier: TokenVerifier = scope["app"].state.verifier
        try:
            caller = await verifier.verify(token)
        except Refusal:
            return None
        if not caller.may(known.permission) or caller.organization is None or caller.actor is not None:
            return None
        async with self._database.driver() as connection:
            return await known.read(connection, caller, wanted)


def _permission(path: str, routers: Sequence[APIRouter]) -> str:
    for route in (route for router in routers for route in router.routes):
        if getattr(route, "path", None) == path and "GET" in getattr(route, "methods", ()):
            said = getattr(route, "openapi_extra", None) or {}
            # What else a route asks of its callers, the short way would not.
            if isinstance(permission := said.get(PERMISSION), str) and STEP_UP not in said and _ENDS_IN_ID.match(path):
                return permission
    raise NoSuchRoute(f"GET {path} is no route that requires a permission alone, and ends in its only id.")


def _id(text: str) -> UUID | None:
    if len(text) != _UUID_LENGTH:
        return None
    try:
        return UUID(text)
    except ValueError:
        return None


def _token(scope: Scope) -> str | None:
    """The bearer token, where one credential is shown."""
    shown = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(shown) != 1 or shown[0][:7].lower() != b"bearer ":
        return None
    token: str = shown[0][7:].strip().decode("latin-1")
    return token
