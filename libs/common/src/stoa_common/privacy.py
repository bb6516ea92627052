"""Where people's data lies: each table with a person column is registered with how it is exported and erased."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, delete, select

from stoa_common import personal_keys
from stoa_common.database import Base, Session
from stoa_common.messaging.router import EventRouter
from stoa_events.contracts import UserErased

Export = Callable[[Session, UUID], Awaitable[list[dict[str, Any]]]]
Erase = Callable[[Session, UUID], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class PersonalTable:
    """How one table answers a person's two questions: what do you hold, and please forget it."""

    table: Table
    export: Export
    erase: Erase


@dataclass
class PrivacyRegistry:
    """The tables of one service, in the order in which they are erased."""

    tables: dict[str, PersonalTable] = field(default_factory=dict)

    def register(
        self, model: type[Base], *, person: str = "person_id", export: Export | None = None, erase: Erase | None = None
    ) -> None:
        """Register a model's table; by default its rows are exported whole and deleted."""
        table = model.__table__
        assert isinstance(table, Table)
        column = table.c[person]
        self.tables[table.name] = PersonalTable(
            table, export or _export_rows(table, column), erase or _delete_rows(table, column)
        )

    async def export(self, session: Session, person_id: UUID) -> dict[str, list[dict[str, Any]]]:
        return {name: await entry.export(session, person_id) for name, entry in self.tables.items()}

    async def erase(self, session: Session, person_id: UUID) -> None:
        for entry in self.tables.values():
            await entry.erase(session, person_id)


registry = PrivacyRegistry()


def personal_table(
    model: type[Base], *, person: str = "person_id", export: Export | None = None, erase: Erase | None = None
) -> None:
    """Register a model beside its definition."""
    registry.register(model, person=person, export=export, erase=erase)


def erasure_router(service: str) -> EventRouter:
    """The consumer by which a service forgets a person."""
    router = EventRouter(group=f"{service}.privacy")

    @router.on(UserErased)
    async def erase_person(event: UserErased, session: Session) -> None:
        await erase(session, event.person_id, at=event.erased_at)

    return router


async def erase(session: Session, person_id: UUID, *, at: datetime) -> None:
    """Forget a person in this service's database: its tables, its key for them, its jobs and kept answers."""
    await registry.erase(session, person_id)
    await personal_keys.destroy(session, person_id, at=at)
    for table in _shared_tables():
        await session.execute(delete(table).where(table.c.person_id == person_id))


def _shared_tables() -> list[Table]:
    from stoa_common.http.idempotency import idempotency_keys
    from stoa_common.jobs.models import jobs

    return [idempotency_keys, jobs]


def _export_rows(table: Table, column: Any) -> Export:
    async def export(session: Session, person_id: UUID) -> list[dict[str, Any]]:
        rows = await session.execute(select(table).where(column == person_id))
        return [dict(row._mapping) for row in rows]

    return export


def _delete_rows(table: Table, column: Any) -> Erase:
    async def erase(session: Session, person_id: UUID) -> None:
        await session.execute(delete(table).where(column == person_id))

    return erase
