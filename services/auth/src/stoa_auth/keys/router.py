"""Keys over HTTP."""

from typing import Annotated, Any

from fastapi import Query, Response, status

from stoa_auth.keys import service
from stoa_auth.keys.schemas import SigningKeyOut
from stoa_auth.keys.service import Algorithm, KeyRing
from stoa_common.database import SessionDep
from stoa_common.http import Router, public, require
from stoa_common.pages import Page
from stoa_common.resources import resource
from stoa_common.security import Caller

router = Router(prefix="/.well-known", tags=["keys"])
operators = Router(prefix="/api/v1/auth/signing-keys", tags=["keys"])
KeyRingDep = Annotated[KeyRing, resource(KeyRing)]


@router.get("/jwks.json", **public())
async def get_keys(keys: KeyRingDep, response: Response) -> dict[str, list[dict[str, Any]]]:
    """The public keys that access tokens and ID tokens are verified with (RFC 7517)."""
    response.headers["Cache-Control"] = "public, max-age=60"
    return {"keys": await keys.public_keys()}


@operators.get("", response_model=Page[SigningKeyOut], **require("platform:read"))
async def list_signing_keys(session: SessionDep) -> Page[SigningKeyOut]:
    """The keys of access tokens and of ID tokens that count, the newest first."""
    return await service.list_keys(session)


@operators.post(
    "/rotations", status_code=status.HTTP_201_CREATED, response_model=SigningKeyOut, **require("platform:write")
)
async def rotate_signing_key(
    session: SessionDep,
    caller: Caller,
    keys: KeyRingDep,
    algorithm: Annotated[Algorithm, Query(description="EdDSA: of access tokens; RS256: of ID tokens.")] = "EdDSA",
) -> SigningKeyOut:
    """Make a new key. It is published at once and signs two minutes later; tokens of the old one stay good."""
    return await service.rotate(session, keys, caller=caller, algorithm=algorithm)
