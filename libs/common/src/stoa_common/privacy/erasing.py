"""Forgetting a person in one service's database, at once; `sweeping` makes sure of it a little later."""

import hashlib
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    DateTime,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    and_,
    cast,
    delete,
    func,
    literal,
    or_,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from stoa_common import personal_keys
from stoa_common.database import Session
from stoa_common.messaging.parking import DISCARDED
from stoa_common.messaging.router import EventRouter
from stoa_common.messaging.tables import bad_events, parked
from stoa_common.privacy.registry import registry
from stoa_events.contract import REGISTRY
from stoa_events.contracts import UserErased

REASON: Final = "Its person was erased."
erasures_due = Table(
    "erasures_due",
    MetaData(),
    Column("person_id", Uuid, primary_key=True),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    #: When a sweeper first saw the row, by the database's clock, as are the transactions that it is compared with.
    Column("erased_at", DateTime(timezone=True)),
)


def digest(person_id: UUID) -> str:
    """What stands for somebody who was erased: whoever knows the id finds it, and nobody finds the id by it."""
    return hashlib.sha256(f"stoa-person:{person_id}".encode()).hexdigest()


def erasure_router(service: str) -> EventRouter:
    """The consumer by which a service forgets a person; it answers when the sweep has followed."""
    router = EventRouter(group=f"{service}.privacy")

    @router.on(UserErased)
    async def erase_person(event: UserErased, session: Session) -> None:
        await erase(session, event.person_id, at=event.erased_at)
        due = upsert(erasures_due).values(person_id=event.person_id, requested_at=event.erased_at)
        await session.execute(due.on_conflict_do_nothing())

    return router


async def erase(session: Session, person_id: UUID, *, at: datetime) -> None:
    """Forget a person in this service's database: jobs and kept answers, its tables, parked records, its key for them.

    Jobs go first: one that is just ending holds its row, so that what it made is there to be deleted afterwards.
    """
    for table in _shared_tables():
        await session.execute(delete(table).where(table.c.person_id == person_id))
    await registry.erase(session, person_id)
    await personal_keys.destroy(session, person_id, at=at)
    await _forget_answers_about(session, person_id)
    await _forget_records_of(session, person_id, at=at)


def _shared_tables() -> list[Table]:
    from stoa_common.http.idempotency import idempotency_keys
    from stoa_common.jobs.models import jobs

    return [jobs, idempotency_keys]


async def _forget_answers_about(session: Session, person_id: UUID) -> None:
    """Kept answers of others that show the person. Who asks again is told that the answer is lost."""
    answers = _shared_tables()[1]
    about = _holds(answers.c.body, str(person_id))
    await session.execute(update(answers).where(about).values(status=None, headers=None, body=None))


async def _forget_records_of(session: Session, person_id: UUID, *, at: datetime) -> None:
    """Records set aside about the person: their ids stay accounted for, what they say goes."""
    survivors = [name for name, event in REGISTRY.items() if event.survives_erasure]
    theirs = and_(parked.c.value.is_not(None), _is_theirs(person_id), ~_is_one_of(parked.c, survivors))
    given_up = {"state": DISCARDED, "value": None, "error": REASON, "edited_at": at}
    await session.execute(update(parked).where(theirs).values(**given_up))
    # Of what nobody could read, nobody knows how it names people.
    named = or_(_holds(bad_events.c.value, str(person_id)), _text(bad_events.c.headers).contains(str(person_id)))
    unread = update(bad_events).where(bad_events.c.value.is_not(None), named)
    await session.execute(unread.values(value=None, error=REASON))


def _is_theirs(person_id: UUID) -> ColumnElement[bool]:
    """Whether a parked record's data name the person as theirs, however the JSON is spaced; or its key does."""
    named = (_holds(parked.c.value, f'"person_id":{space}"{person_id}"') for space in ("", " "))
    return or_(parked.c.key == str(person_id), *named)


def _is_one_of(columns: Any, types: list[str]) -> ColumnElement[bool]:
    headers = _text(columns.headers)
    return or_(literal(value=False), *(headers.contains(f'"{name}"', autoescape=True) for name in types))


def _text(column: Any) -> ColumnElement[str]:
    return cast(column, Text)


def _holds(column: Any, text: str) -> ColumnElement[bool]:
    return func.position(literal(text.encode(), LargeBinary).op("IN")(column)) > 0
