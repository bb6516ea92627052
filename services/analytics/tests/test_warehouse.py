"""The port to the engine: what is refused, what is durable, what survives."""

import asyncio
from datetime import UTC
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from stoa_analytics.warehouse.domain import FolderIsUnusable, Scope, WarehouseIsAway, WarehouseIsTaken
from stoa_analytics.warehouse.provider import EmbeddedEngine, ServerEngine
from stoa_analytics.warehouse.service import Warehouse
from stoa_common import failures
from stoa_common.settings import ServiceSettings

from .conftest import Course, Intake


async def test_a_second_owner_of_the_folder_is_refused_in_one_sentence(
    warehouse: Warehouse, settings: ServiceSettings
) -> None:
    second = Warehouse(EmbeddedEngine(settings.chdb_path, memory_mb=512))  # type: ignore[attr-defined]

    with pytest.raises(WarehouseIsTaken, match=r"^Another process has the warehouse at \S+ open: stop it"):
        await second.open()


async def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    warehouse = Warehouse(EmbeddedEngine(tmp_path / "file" / "warehouse", memory_mb=512))

    with pytest.raises(FolderIsUnusable, match=r"file/warehouse: Not a directory\. Set ANALYTICS_CHDB_PATH"):
        await warehouse.open()


async def test_times_come_back_with_their_zone(warehouse: Warehouse, intake: Intake, course: Course) -> None:
    [record] = intake.records(course.published())
    await intake.hand_over([record])

    [(at,)] = await warehouse.select("SELECT occurred_at FROM $events", Scope.of(course.organization_id), {})

    assert at == record.envelope.time
    assert at.tzinfo is not None
    assert at.utcoffset() == UTC.utcoffset(None)


async def test_statements_run_side_by_side(warehouse: Warehouse, intake: Intake, course: Course) -> None:
    await intake.take(course.published())
    sql = "SELECT count(), any(sleepEachRow(0.2)) FROM $events"

    started = asyncio.get_running_loop().time()
    await asyncio.gather(*(warehouse.select(sql, Scope.of(course.organization_id), {}) for _ in range(4)))

    assert asyncio.get_running_loop().time() - started < 0.7


async def test_out_of_memory_means_away_and_the_engine_lives_on(warehouse: Warehouse) -> None:
    hungry = "SELECT length(arrayStringConcat(arrayMap(n -> repeat(toString(n), 1000000), range(2000))))"

    with pytest.raises(WarehouseIsAway) as away:
        await warehouse.select(hungry, Scope.platform(), {})

    assert failures.is_infrastructure(away.value)
    await warehouse.ping()


async def test_a_server_that_does_not_answer_is_away() -> None:
    warehouse = Warehouse(ServerEngine(SecretStr("http://somebody:secret@127.0.0.1:9/stoa")))

    with pytest.raises(WarehouseIsAway) as away:
        await warehouse.open()

    await warehouse.close()
    assert failures.is_infrastructure(away.value)
    assert "secret" not in str(away.value)


async def test_readiness_knows_the_warehouse(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["parts"]["warehouse"] == "ok"
