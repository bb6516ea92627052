"""Where people's data lies: each table with a person column is registered with how it is exported and erased."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, Table, delete, select
from sqlalchemy.schema import sort_tables

from stoa_common.database import Base, Session
from stoa_common.resources import Resources

Rows = list[dict[str, Any]]
Export = Callable[[Session, UUID], Awaitable[Rows]]
Erase = Callable[[Session, UUID], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class PersonalTable:
    """How one table answers a person's two questions: what do you hold, and please forget it."""

    table: Table
    export: Export
    erase: Erase


@dataclass(frozen=True, slots=True)
class PersonalSource:
    """What a service holds outside its database's tables: a warehouse, objects, keys in Redis.

    `export` gives rows about the person; `erase` leaves none, however often it is called. `count` tells how many rows
    have a text in them, for who looks whether anything was left; None for a store that `stoa privacy prove` reads
    itself, as it does objects.
    """

    name: str
    export: Callable[[Resources, UUID], Awaitable[Rows]]
    erase: Callable[[Resources, UUID], Awaitable[None]]
    count: Callable[[Resources, str], Awaitable[int]] | None = None


@dataclass
class PrivacyRegistry:
    """The tables of one service."""

    tables: dict[str, PersonalTable] = field(default_factory=dict)

    def register(
        self, model: type[Base], *, person: str = "person_id", export: Export | None = None, erase: Erase | None = None
    ) -> None:
        """Register a model's table; by default its rows are exported, but for columns of bytes, and deleted."""
        table = model.__table__
        assert isinstance(table, Table)
        column = table.c[person]
        self.tables[table.name] = PersonalTable(
            table, export or _export_rows(table, column), erase or _delete_rows(table, column)
        )

    async def export(self, session: Session, person_id: UUID) -> dict[str, Rows]:
        return {name: await entry.export(session, person_id) for name, entry in self.tables.items()}

    async def erase(self, session: Session, person_id: UUID) -> None:
        """What refers to a row goes before that row; so who the person is stays known until the last."""
        for table in reversed(sort_tables([entry.table for entry in self.tables.values()])):
            await self.tables[table.name].erase(session, person_id)


registry = PrivacyRegistry()


def personal_table(
    model: type[Base], *, person: str = "person_id", export: Export | None = None, erase: Erase | None = None
) -> None:
    """Register a model beside its definition."""
    registry.register(model, person=person, export=export, erase=erase)


async def keep(session: Session, person_id: UUID) -> None:
    """For `erase=`: the table keeps its rows, in which nothing can be read once the person's key is destroyed."""


def _export_rows(table: Table, column: Any) -> Export:
    # Bytes are digests, keys, or sealed: no use to the person, and of use to whoever steals an export.
    shown = [each for each in table.columns if not isinstance(each.type, LargeBinary)]

    async def export(session: Session, person_id: UUID) -> Rows:
        rows = await session.execute(select(*shown).where(column == person_id))
        return [dict(row._mapping) for row in rows]

    return export


def _delete_rows(table: Table, column: Any) -> Erase:
    async def erase(session: Session, person_id: UUID) -> None:
        await session.execute(delete(table).where(column == person_id))

    return erase
