"""What the warehouse holds on people, for the service's answer to them."""

from typing import Any
from uuid import UUID

from stoa_analytics.warehouse.service import Warehouse
from stoa_common import clock
from stoa_common.privacy import PersonalSource
from stoa_common.resources import Resources


async def _export(resources: Resources, person_id: UUID) -> list[dict[str, Any]]:
    return await resources.get(Warehouse).rows_of(person_id)


async def _erase(resources: Resources, person_id: UUID) -> None:
    warehouse = resources.get(Warehouse)
    # First the name on the list, then the rows: what a batch inserts meanwhile, it takes out again by the list.
    if not await warehouse.find_erased([person_id]):
        await warehouse.remember_erased({person_id: clock.now()})
    await warehouse.delete_people([person_id])


async def _count(resources: Resources, text: str) -> int:
    return await resources.get(Warehouse).count_rows_with(text)


warehouse_rows = PersonalSource("warehouse", export=_export, erase=_erase, count=_count)
