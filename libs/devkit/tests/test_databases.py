"""A service's two roles: one may change tables, the other only rows, and neither looks into another's database."""

from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from stoa_devkit import databases
from stoa_devkit.environment import Urls
from stoa_devkit.ports import free_port
from stoa_devkit.servers import Postgres
from stoa_devkit.services import Spec
from stoa_devkit.state import State


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> State:
    return State(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="module")
def postgres(state: State, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    folder: Path = tmp_path_factory.mktemp("postgres")
    server = Postgres(folder / "data", folder / "log", free_port(), durable=False, password=state.secret("postgres"))
    server.prepare()
    server.start()
    server.wait()
    yield server
    server.stop()


@pytest.fixture
async def urls(postgres: Postgres, state: State) -> dict[str, Urls]:
    await databases.make_all([Spec("content"), Spec("ai")], postgres, state)
    return {name: databases.urls_of(name, postgres, state) for name in ("content", "ai")}


async def test_a_service_reads_and_writes_rows_but_changes_no_table(urls: dict[str, Urls]) -> None:
    owner = await asyncpg.connect(urls["content"].migrate)
    await owner.execute("CREATE TABLE IF NOT EXISTS courses (id serial PRIMARY KEY, title text)")
    await owner.close()

    service = await asyncpg.connect(urls["content"].service)
    await service.execute("INSERT INTO courses (title) VALUES ('Algebra')")
    assert await service.fetchval("SELECT count(*) FROM courses") >= 1
    for statement in ("CREATE TABLE mine (id int)", "ALTER TABLE courses ADD more int", "TRUNCATE courses"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await service.execute(statement)
    await service.close()


async def test_a_service_does_not_enter_another_services_database(urls: dict[str, Urls]) -> None:
    elsewhere = urls["content"].service.removesuffix("/content") + "/ai"

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(elsewhere)


async def test_the_ai_database_has_vectors(urls: dict[str, Urls]) -> None:
    connection = await asyncpg.connect(urls["ai"].service)

    assert await connection.fetchval("SELECT '[1,2,3]'::vector <=> '[1,2,3]'::vector") == 0
    await connection.close()


async def test_making_the_databases_again_keeps_their_rows(
    urls: dict[str, Urls], postgres: Postgres, state: State
) -> None:
    owner = await asyncpg.connect(urls["ai"].migrate)
    await owner.execute("CREATE TABLE kept AS SELECT 'row' AS value")

    await databases.make_all([Spec("content"), Spec("ai")], postgres, state)

    assert await owner.fetchval("SELECT value FROM kept") == "row"
    await owner.close()
