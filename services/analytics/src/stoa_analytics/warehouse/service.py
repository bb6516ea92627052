"""`Warehouse`: ask, insert, erase. Everything runs in threads of its own, since neither engine has an async client."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import orjson

from stoa_analytics.warehouse import migrations, provider
from stoa_analytics.warehouse.domain import Scope, WarehouseIsAway, scoped
from stoa_analytics.warehouse.models import ABOUT_PEOPLE, ERASED_PEOPLE, ErasedPersonRow, Table

T = TypeVar("T")
Row = tuple[Any, ...]


class Warehouse:
    """One engine with a few threads, each with a handle of its own.

    A statement that fails because the engine is away, full or out of memory raises WarehouseIsAway (503, and held by
    consumers); everything else is an error of ours and raises the driver's.
    """

    def __init__(self, engine: provider.Engine, *, threads: int = 4, query_timeout_seconds: int = 10) -> None:
        self._engine = engine
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="warehouse")
        self._query_settings = {
            "max_execution_time": query_timeout_seconds,
            "max_threads": 2,
            # All copies of a row are in one partition (versions/0001), so FINAL need not look across.
            "do_not_merge_across_partitions_select_final": 1,
        }
        self._own = threading.local()
        self._handles: list[provider.Handle] = []

    async def open(self) -> None:
        """Take the engine, with its tables up to date; raises WarehouseStaysShut or WarehouseIsAway."""
        self._engine.acquire()
        # A server's tables are the business of `migrate`, which runs once before many of us start.
        bring_up = migrations.apply if self._engine.embedded else migrations.check
        await self._run(bring_up)

    async def migrate(self) -> None:
        """Apply what the tables lack; for `migrate` against a server."""
        self._engine.acquire()
        await self._run(migrations.apply)

    async def close(self) -> None:
        """Wait for what is running, then give the engine back."""
        await asyncio.to_thread(self._pool.shutdown)
        for handle in self._handles:
            handle.close()
        self._engine.release()

    async def ping(self) -> None:
        """Raises WarehouseIsAway where the engine does not answer."""
        await self._run(lambda handle: handle.command("SELECT 1"))

    async def select(self, sql: str, scope: Scope, parameters: Mapping[str, object]) -> Sequence[Row]:
        """Rows of a query whose tables are written `$events`: duplicates removed, narrowed to the scope."""
        narrowed, scope_parameters = scoped(sql, scope)
        return await self._run(lambda handle: self._query(handle, narrowed, {**parameters, **scope_parameters}))

    async def insert(self, table: Table, rows: Sequence[Row], *, token: str) -> None:
        """Write the rows durably. A second insert under the same token changes nothing, nor do rows that are there."""
        if rows:
            await self._run(lambda handle: _insert(handle, table, rows, token))

    async def remember_erased(self, people: Mapping[UUID, datetime]) -> None:
        """Note who asked to be forgotten, and when, so that `find_erased` knows them."""
        await self.insert(ERASED_PEOPLE, [ErasedPersonRow(*who_and_when) for who_and_when in people.items()], token="")

    async def find_erased(self, people: Iterable[UUID]) -> set[UUID]:
        """Those of the people who have asked to be forgotten."""
        if not (listed := list(people)):
            return set()
        sql = "SELECT DISTINCT person_id FROM erased_people WHERE person_id IN {people:Array(UUID)}"
        rows = await self._run(lambda handle: self._query(handle, sql, {"people": listed}))
        return {row[0] for row in rows}

    async def delete_people(self, people: Iterable[UUID]) -> None:
        """Remove every row about these people, in all organizations; returns when no query sees one any more."""
        await self._run(lambda handle: _delete_people(handle, list(people)))

    async def rows_of(self, person_id: UUID) -> list[dict[str, Any]]:
        """Every row about this person, in all organizations, by column."""
        found: list[dict[str, Any]] = []
        for table in ABOUT_PEOPLE:
            columns = ", ".join(table.columns)
            sql = f"SELECT {columns} FROM {table.name} FINAL WHERE person_id = {{person:UUID}}"  # noqa: S608  # ours
            rows = await self._run(partial(self._query, sql=sql, parameters={"person": person_id}))
            found += [{"table": table.name, **dict(zip(table.columns, row, strict=True))} for row in rows]
        return found

    async def count_rows_with(self, text: str) -> int:
        """In how many rows the text stands, in any column; who asked to be forgotten is not counted."""
        count = 0
        for table in ABOUT_PEOPLE:
            has_it = "position(formatRow('TSVRaw', *), {text:String}) > 0"
            sql = f"SELECT count() FROM {table.name} WHERE {has_it}"  # noqa: S608  # our own tables
            [[rows]] = await self._run(partial(self._query, sql=sql, parameters={"text": text}))
            count += rows
        return count

    async def empty(self) -> None:
        """Remove all rows but those that say who asked to be forgotten; returns when no query sees one any more."""
        await self._run(_empty)

    def _query(self, handle: provider.Handle, sql: str, parameters: Mapping[str, object]) -> Sequence[Row]:
        rows = handle.query(sql, parameters=dict(parameters), settings=self._query_settings).result_rows
        return [tuple(row) for row in rows]

    async def _run(self, statement: Callable[[provider.Handle], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._with_handle, statement)
        except provider.EngineError as error:
            if provider.is_passing(error):
                raise WarehouseIsAway("The warehouse does not answer; try again in a moment.") from error
            raise

    def _with_handle(self, statement: Callable[[provider.Handle], T]) -> T:
        if not hasattr(self._own, "handle"):
            self._own.handle = self._engine.connect()
            self._handles.append(self._own.handle)
        return statement(self._own.handle)


def _insert(handle: provider.Handle, table: Table, rows: Sequence[Row], token: str) -> None:
    # As JSON, since the driver's other ways from Python rows are no faster, and import pandas: a second, and 100 MB.
    lines = b"\n".join(orjson.dumps(tuple(row)) for row in rows)
    settings = {"insert_deduplication_token": token, "date_time_input_format": "best_effort"}
    handle.raw_insert(table.name, table.columns, lines, settings, "JSONCompactEachRow")


def _empty(handle: provider.Handle) -> None:
    for table in ABOUT_PEOPLE:
        handle.command(f"TRUNCATE TABLE {table.name}")


def _delete_people(handle: provider.Handle, people: Sequence[UUID]) -> None:
    for table in ABOUT_PEOPLE:
        handle.command(
            f"ALTER TABLE {table.name} DELETE WHERE person_id IN {{people:Array(UUID)}}",
            parameters={"people": people},
            # 2: return when every replica is done.
            settings={"mutations_sync": 2},
        )
