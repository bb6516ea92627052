"""`Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a repeated write is answered, not done again.

The key and its answer are kept by the service, in the transaction of the effect. Of equal parallel requests one works;
the others wait on its row, and answer what it answered. A refused or failed request keeps nothing: send it again.
"""

import hashlib
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import Header, Request
from sqlalchemy import Column, DateTime, LargeBinary, MetaData, SmallInteger, Table, Text, Uuid, delete, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from starlette.responses import Response

from stoa_common import clock
from stoa_common.database import Session, SessionDep
from stoa_common.errors import Conflict, FieldError, Invalid
from stoa_common.security import Caller

WINDOW: Final = timedelta(hours=24)
_KEPT_HEADERS: Final = ("content-type", "location", "etag")
_STATE = "idempotency_where"

idempotency_keys = Table(
    "idempotency_keys",
    MetaData(),
    Column("organization_id", Uuid, primary_key=True),
    Column("person_id", Uuid, primary_key=True),
    Column("route", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("body_hash", LargeBinary, nullable=False),
    Column("status", SmallInteger),
    Column("headers", JSONB),
    Column("body", LargeBinary),
    Column("created_at", DateTime(timezone=True), nullable=False),
)


class IdempotencyKeyReused(Invalid):
    """The key was used for another request."""

    def __init__(self) -> None:
        wrong = FieldError(field="Idempotency-Key", message="Already used with another body.")
        super().__init__("Use a new Idempotency-Key for a new request.", errors=[wrong])


class EarlierRequestIsLost(Conflict):
    """The key is held by a request that left no answer."""


class AlreadyAnswered(Exception):
    """The same request was answered before; carries that answer. Caught by the route."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


async def claim(
    request: Request,
    session: SessionDep,
    caller: Caller,
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=255,
            description="The same key with the same body is answered once, for 24 h.",
        ),
    ] = None,
) -> None:
    """Take the key for this request, or raise AlreadyAnswered. Waits while a parallel twin is at work."""
    if idempotency_key is None:
        return
    where = {
        "organization_id": caller.organization or caller.person_id,
        "person_id": caller.person_id,
        "route": f"{request.method} {request.url.path}",
        "key": idempotency_key,
    }
    body_hash = await _hash(request)
    if await _insert(session, where, body_hash):
        setattr(request.state, _STATE, where)
        return
    raise AlreadyAnswered(await _earlier_answer(session, where, body_hash))


async def _hash(request: Request) -> bytes:
    digest = hashlib.sha256(request.url.query.encode() + b"\n")
    digest.update(await request.body())
    return digest.digest()


async def _insert(session: Session, where: dict[str, Any], body_hash: bytes) -> bool:
    """True if the key was free. A parallel twin's uncommitted row makes this wait for its end."""
    statement = upsert(idempotency_keys).values(**where, body_hash=body_hash, created_at=clock.now())
    expired = idempotency_keys.c.created_at < clock.now() - WINDOW
    renewed = {"body_hash": body_hash, "status": None, "headers": None, "body": None, "created_at": clock.now()}
    statement = statement.on_conflict_do_update(index_elements=list(where), set_=renewed, where=expired)
    return (await session.execute(statement.returning(idempotency_keys.c.key))).first() is not None


async def _earlier_answer(session: Session, where: dict[str, Any], body_hash: bytes) -> Response:
    row = (await session.execute(select(idempotency_keys).where(*_matches(where)))).one()
    if row.body_hash != body_hash:
        raise IdempotencyKeyReused
    if row.status is None:
        raise EarlierRequestIsLost("Use a new Idempotency-Key: the earlier request left no answer.")
    return Response(row.body, row.status, headers={**row.headers, "Idempotency-Replayed": "true"})


def _matches(where: dict[str, Any]) -> list[Any]:
    return [idempotency_keys.c[name] == value for name, value in where.items()]


async def keep(request: Request, response: Response) -> None:
    """Store the answer beside its key, in the session that holds the effect."""
    where: dict[str, Any] | None = getattr(request.state, _STATE, None)
    if where is None:
        return
    session: Session = request.state.session
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    values = {"status": response.status_code, "headers": headers, "body": bytes(response.body)}
    await session.execute(update(idempotency_keys).where(*_matches(where)).values(**values))


async def forget_old(session: Session) -> None:
    """Drop the keys whose window has passed."""
    await session.execute(delete(idempotency_keys).where(idempotency_keys.c.created_at < clock.now() - WINDOW))
