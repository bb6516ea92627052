"""Keys over HTTP."""

from typing import Annotated, Any

from fastapi import Response

from stoa_auth.keys.service import KeyRing
from stoa_common.http import Router, public
from stoa_common.resources import resource

router = Router(prefix="/.well-known", tags=["keys"])
KeyRingDep = Annotated[KeyRing, resource(KeyRing)]


@router.get("/jwks.json", **public())
async def get_keys(keys: KeyRingDep, response: Response) -> dict[str, list[dict[str, Any]]]:
    """The public keys that access tokens are verified with (RFC 7517)."""
    response.headers["Cache-Control"] = "public, max-age=60"
    return {"keys": await keys.public_keys()}
