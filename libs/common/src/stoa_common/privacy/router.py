"""`/internal/privacy`: a person's part for auth, which collects it; and a search for who proves an erasure.

The gateway exposes neither. A part is given to nobody but auth: for a token that it signed for this service alone, in
the person's name, and that no other route takes.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from stoa_common.database import Database, DatabaseDep
from stoa_common.errors import Unauthenticated
from stoa_common.http import Router, public, require
from stoa_common.privacy import exporting
from stoa_common.privacy.registry import PersonalSource
from stoa_common.resources import Resources
from stoa_common.security import AUDIENCE, Principal, TokenVerifier

_bearer = HTTPBearer(auto_error=False, scheme_name="exportToken", bearerFormat="JWT", description="Auth's own token.")
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
COLLECTOR = "auth"
"""Who acts in the person's place (`act`) in such a token."""


def audience_of(service: str) -> str:
    """Whom auth's token to a service is for: this route of this service, and nothing else."""
    return f"{AUDIENCE}:{service}:privacy"


class SearchIn(BaseModel):
    person_id: UUID
    texts: list[str] = Field(default=[], max_length=100, description="Looked for as they are written.")


class FoundOut(BaseModel):
    place: str
    number: int | None = Field(description="Which of the texts, from 0; null for rows about the person.")
    rows: int


class SearchOut(BaseModel):
    found: list[FoundOut]


def privacy_http(service: str, sources: Sequence[PersonalSource]) -> Router:
    router = Router(prefix="/internal/privacy", tags=["privacy"])

    @router.get("/export", response_class=StreamingResponse, **public())
    async def export_part(request: Request, database: DatabaseDep, credentials: Bearer) -> StreamingResponse:
        """All that this service holds on the person whom auth's token names, a table a line."""
        caller = await _authorized(request, credentials, service)
        lines = _lines(database, request.app.state.resources, sources, caller.person_id)
        return StreamingResponse(lines, media_type="application/x-ndjson", headers={"Cache-Control": "no-store"})

    @router.post("/search", response_model=SearchOut, **require("platform:read", keeps_answer=False))
    async def search_sources(wanted: SearchIn, request: Request) -> SearchOut:
        """How many rows outside the database's tables are about the person still, or have one of these texts."""
        resources: Resources = request.app.state.resources
        found = []
        for source in sources:
            about = await source.export(resources, wanted.person_id)
            found.append(FoundOut(place=source.name, number=None, rows=len(about)))
            if source.count is None:
                continue
            for number, text in enumerate(wanted.texts):
                found.append(FoundOut(place=source.name, number=number, rows=await source.count(resources, text)))
        return SearchOut(found=[each for each in found if each.rows])

    return router


async def _authorized(request: Request, credentials: HTTPAuthorizationCredentials | None, service: str) -> Principal:
    verifier: TokenVerifier = request.app.state.verifier
    if credentials is None:
        raise Unauthenticated("Only auth reads here, by a token of its own.")
    caller = await verifier.for_audience(audience_of(service)).verify(credentials.credentials)
    if caller.actor != COLLECTOR:
        raise Unauthenticated("Only auth reads here, by a token of its own.")
    return caller


async def _lines(
    database: Database, resources: Resources, sources: Sequence[PersonalSource], person_id: UUID
) -> AsyncIterator[bytes]:
    async for name, rows in exporting.export_tables(database, resources, sources, person_id):
        yield exporting.line(name, rows)
    yield exporting.END
