"""Who may call a route: `**require("course:write")` or `**public()`, written beside its path.

Both become the route's keyword arguments: the check itself, and what the OpenAPI document says about it.
"""

from typing import Any

from fastapi import Depends

from stoa_common.permissions import is_known
from stoa_common.security import STEP_UP_SECONDS, Caller

PERMISSION = "x-permission"
PUBLIC = "x-public"
KEEPS_ANSWER = "x-keeps-answer"
STEP_UP = "x-step-up-seconds"
TAKES_COOKIE = "x-takes-cookie"


class UnknownPermission(ValueError):
    """A route requires what `stoa_common.permissions` does not list."""


def require(
    permission: str, *, keeps_answer: bool = True, recent: bool = False, takes_cookie: bool = False
) -> dict[str, Any]:
    """Only callers with the permission, or with its `:own` form; the repository narrows to what is theirs.

    `recent=True`: only people who proved within the last minutes who they are (step-up); for what is dangerous.
    `keeps_answer=False`: no Idempotency-Key, because the answer is a secret or a stream.
    `takes_cookie=True`: it may give the browser that asks another cookie; the gateway leaves it the one that it has.
    """
    if not is_known(permission):
        raise UnknownPermission(f"List {permission} in stoa_common.permissions first.")

    async def check(caller: Caller) -> None:
        caller.scope(permission)
        if recent:
            caller.require_recent()

    said: dict[str, Any] = {STEP_UP: STEP_UP_SECONDS} if recent else {}
    said |= {TAKES_COOKIE: True} if takes_cookie else {}
    return {
        "dependencies": [Depends(check)],
        "openapi_extra": {PERMISSION: permission, KEEPS_ANSWER: keeps_answer, **said},
    }


def public(*, takes_cookie: bool = False) -> dict[str, Any]:
    """Anybody, without a token.

    `takes_cookie=True`: a page that a browser is at; the gateway leaves it the cookies of ours, and nobody else.
    """
    said = {TAKES_COOKIE: True} if takes_cookie else {}
    return {"openapi_extra": {PUBLIC: True, KEEPS_ANSWER: False, **said}}
