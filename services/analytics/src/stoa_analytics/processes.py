"""Analytics as a process: what it is made of, and how it starts."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import uvloop

from stoa_analytics.dashboards.router import router as dashboards
from stoa_analytics.ingestion.consumers import router as events
from stoa_analytics.ingestion.personal import warehouse_rows
from stoa_analytics.settings import Settings
from stoa_analytics.warehouse.domain import WarehouseIsAway, WarehouseStaysShut
from stoa_analytics.warehouse.provider import EmbeddedEngine, Engine, ServerEngine
from stoa_analytics.warehouse.service import Warehouse
from stoa_common.resources import Resources
from stoa_common.service import Service


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Sequence[object]]:
    """The warehouse; with the embedded engine, this process is its only owner until it ends."""
    async with _closing(new_warehouse(settings)) as warehouse:
        await warehouse.open()
        yield [warehouse]


@asynccontextmanager
async def _closing(warehouse: Warehouse) -> AsyncIterator[Warehouse]:
    """Where the warehouse can't be used, the process ends with that sentence alone."""
    try:
        yield warehouse
    except (WarehouseStaysShut, WarehouseIsAway) as refusal:
        raise SystemExit(str(refusal)) from None
    finally:
        await warehouse.close()


def new_warehouse(settings: Settings) -> Warehouse:
    """Not open yet."""
    return Warehouse(
        _engine(settings), threads=settings.warehouse_threads, query_timeout_seconds=settings.query_timeout_seconds
    )


def _engine(settings: Settings) -> Engine:
    if settings.clickhouse_url:
        return ServerEngine(settings.clickhouse_url)
    return EmbeddedEngine(settings.chdb_path, memory_mb=settings.warehouse_memory_mb)


async def _ask_warehouse(resources: Resources) -> None:
    await resources.get(Warehouse).ping()


service = Service(
    "analytics",
    settings=Settings,
    routers=[dashboards],
    consumers=[events],
    resources=open_resources,
    personal_sources=[warehouse_rows],
    checks={"warehouse": _ask_warehouse},
)


def main() -> None:
    service.run()
    if sys.argv[1:] == ["migrate"]:
        uvloop.run(_migrate_warehouse(Settings()))


async def _migrate_warehouse(settings: Settings) -> None:
    """A server's tables. The embedded engine's are brought up to date by the process that owns it."""
    if settings.clickhouse_url is None:
        return
    async with _closing(new_warehouse(settings)) as warehouse:
        await warehouse.migrate()
