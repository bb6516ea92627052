"""Queries on what a service's groups could not handle."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, cast, func, literal, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError

from stoa_common.database import Session
from stoa_common.messaging import parking
from stoa_common.messaging.operations.domain import BadEventNotFound, EventIsBeingTried, ParkedEventNotFound
from stoa_common.messaging.tables import bad_events, consumer_groups, inbox, parked

_LOCK_NOT_AVAILABLE = "55P03"


async def count_bad(session: Session) -> dict[str, int]:
    counted = select(bad_events.c.consumer, func.count().label("events")).group_by(bad_events.c.consumer)
    return {row.consumer: row.events for row in await session.execute(counted)}


async def groups_to_rebuild(session: Session) -> set[str]:
    return set(await session.scalars(select(consumer_groups.c.consumer).where(consumer_groups.c.needs_rebuild)))


async def active_replays(session: Session) -> dict[str, UUID]:
    """The replay that runs into each group, where one does."""
    active = await session.execute(text("SELECT consumer, id FROM replays WHERE state IN ('requested', 'running')"))
    return {row.consumer: row.id for row in active}


async def list_parked(session: Session, wanted: Mapping[str, str | None], *, after: int, limit: int) -> list[Any]:
    """Rows in the order in which they were parked, without their data."""
    query = _parked().where(parked.c.position > after, *_matches(wanted)).order_by(parked.c.position).limit(limit)
    return list((await session.execute(query)).all())


def _matches(wanted: Mapping[str, str | None]) -> list[ColumnElement[bool]]:
    columns = {"group": parked.c.consumer, "state": parked.c.state, "key": parked.c.key}
    conditions = [column == wanted[name] for name, column in columns.items() if wanted.get(name) is not None]
    if (event_type := wanted.get("type")) is not None:
        # Headers are pairs: a list is contained in one that has all its elements.
        conditions.append(parked.c.headers.contains(cast(literal([["ce_type", event_type]], JSONB), JSONB)))
    return conditions


def _parked() -> Select[Any]:
    """Rows of `parked` but for the data, each with how many of its line are ahead of it and behind it."""
    line = parked.alias("line")
    mine = and_(parking.same_line(line.c, parked.c), line.c.state != parking.DISCARDED)
    others = select(func.count()).select_from(line).where(mine)
    ahead = others.where(line.c.position < parked.c.position).scalar_subquery().label("ahead")
    behind = others.where(line.c.position > parked.c.position).scalar_subquery().label("behind")
    return select(*(column for column in parked.c if column.name != "value"), ahead, behind)


async def get_parked(session: Session, position: int) -> Any:
    """One row with its data; raises ParkedEventNotFound."""
    row = (
        await session.execute(_parked().add_columns(parked.c.value).where(parked.c.position == position))
    ).one_or_none()
    return _there(row, position)


async def lock_parked(session: Session, position: int) -> Any:
    """The row, with nobody else at it until this transaction ends; raises ParkedEventNotFound, EventIsBeingTried."""
    query = select(parked).where(parked.c.position == position).with_for_update(nowait=True)
    try:
        row = (await session.execute(query)).one_or_none()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise EventIsBeingTried("This event is being tried at this moment; look again in some seconds.") from None
    return _there(row, position)


def _there(row: Any, position: int) -> Any:
    if row is None:
        raise ParkedEventNotFound(f"Nothing is parked at {position}; it may have been handled since.")
    return row


async def change_parked(session: Session, position: int, **values: Any) -> None:
    await session.execute(update(parked).where(parked.c.position == position).values(**values))


async def enter_in_inbox(session: Session, consumer: str, event_id: Any, *, at: datetime) -> None:
    """Settle an event without any effect: should Kafka deliver it again, it is a duplicate."""
    entry = upsert(inbox).values(consumer=consumer, event_id=event_id, handled_at=at)
    await session.execute(entry.on_conflict_do_nothing())


async def list_bad(session: Session, group: str | None, *, after: Sequence[Any] | None, limit: int) -> list[Any]:
    """Rows by group and place, without their data."""
    place = (bad_events.c.consumer, bad_events.c.topic, bad_events.c.partition, bad_events.c.offset)
    query = select(*place, bad_events.c.error, bad_events.c.found_at).order_by(*place).limit(limit)
    if group is not None:
        query = query.where(bad_events.c.consumer == group)
    if after is not None:
        query = query.where(tuple_(*place) > tuple_(*after))
    return list((await session.execute(query)).all())


async def get_bad(session: Session, group: str, topic: str, partition: int, offset: int) -> Any:
    """One row with its data; raises BadEventNotFound."""
    columns = bad_events.c
    place = and_(
        columns.consumer == group, columns.topic == topic, columns.partition == partition, columns.offset == offset
    )
    row = (await session.execute(select(bad_events).where(place))).one_or_none()
    if row is None:
        raise BadEventNotFound(f"{group} has no bad event at {topic}-{partition}-{offset}.")
    return row
