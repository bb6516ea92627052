"""What handlers of this service ask for."""

from typing import Annotated, Any

from fastapi import Depends

from stoa_analytics.warehouse.service import Warehouse
from stoa_common.http.access import KEEPS_ANSWER, PERMISSION
from stoa_common.resources import resource
from stoa_common.security import Caller

WarehouseDep = Annotated[Warehouse, resource(Warehouse)]


def reads_analytics_or_platform() -> dict[str, Any]:
    """Like `require("analytics:read")`, but open to the platform's operators too, who belong to no organization."""

    async def check(caller: Caller) -> None:
        if not caller.may("platform:read"):
            caller.scope("analytics:read")

    return {
        "dependencies": [Depends(check)],
        "openapi_extra": {PERMISSION: "analytics:read", KEEPS_ANSWER: False},
    }
