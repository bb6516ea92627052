"""Keys over HTTP."""

from typing import Any

from fastapi import Response

from stoa_auth.dependencies import KeyRingDep
from stoa_common.http import Router, public

router = Router(prefix="/.well-known", tags=["keys"])


@router.get("/jwks.json", **public())
async def get_keys(keys: KeyRingDep, response: Response) -> dict[str, list[dict[str, Any]]]:
    """The public keys that access tokens are verified with (RFC 7517)."""
    response.headers["Cache-Control"] = "public, max-age=60"
    return {"keys": await keys.public_keys()}
