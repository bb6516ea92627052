"""Request, show and cancel resets of a group's offsets; `moving` applies them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import insert, select, update

from stoa_common import audit, clock
from stoa_common.database import Session
from stoa_common.errors import FieldError, Invalid, NotFound
from stoa_common.ids import new_id
from stoa_common.messaging.replay.schemas import AppliedOut, OffsetResetIn, OffsetResetOut
from stoa_common.messaging.replay.tables import offset_reset_partitions, offset_resets
from stoa_common.messaging.router import EventRouter
from stoa_common.security import Principal


class OffsetResetIsWrong(Invalid):
    """The reset asks for what cannot be; the errors name the fields."""


class OffsetResetNotFound(NotFound):
    """There is no such reset."""


async def request_reset(
    session: Session, router: EventRouter, wanted: OffsetResetIn, *, caller: Principal
) -> OffsetResetOut:
    """Note the reset; the members of the group apply it. Raises OffsetResetIsWrong."""
    if wanted.topic not in router.read_topics:
        there = FieldError(field="topic", message=f"This group reads {', '.join(router.read_topics)}.")
        raise OffsetResetIsWrong(f"{router.group} does not read {wanted.topic}.", errors=[there])
    reset_id = new_id()
    await session.execute(insert(offset_resets).values(**_values(reset_id, router, wanted)))
    _audit(session, caller, "offsets.reset", reset_id, wanted.group, topic=wanted.topic, to=str(wanted.to))
    return await get_reset(session, reset_id, groups=[router.group])


async def cancel_reset(session: Session, reset_id: UUID, *, groups: Sequence[str], caller: Principal) -> OffsetResetOut:
    """Cancel what is not applied yet; one that is applied, or cancelled, stays as it is."""
    reset = await get_reset(session, reset_id, groups=groups)
    if reset.state != "requested":
        return reset
    mine = offset_resets.c.id == reset_id
    await session.execute(update(offset_resets).where(mine).values(cancelled_at=clock.now()))
    _audit(session, caller, "offsets.cancel", reset_id, reset.group, topic=reset.topic)
    return await get_reset(session, reset_id, groups=groups)


async def get_reset(session: Session, reset_id: UUID, *, groups: Sequence[str]) -> OffsetResetOut:
    """Raises OffsetResetNotFound."""
    query = select(offset_resets).where(offset_resets.c.id == reset_id, offset_resets.c.consumer.in_(groups))
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise OffsetResetNotFound("There is no such reset of offsets.")
    return (await _shown(session, [row]))[0]


async def list_resets(
    session: Session, *, groups: Sequence[str], after: UUID | None, limit: int
) -> tuple[list[OffsetResetOut], UUID | None]:
    """A page, and the id to go on from."""
    query = select(offset_resets).where(offset_resets.c.consumer.in_(groups))
    if after is not None:
        query = query.where(offset_resets.c.id > after)
    rows = list((await session.execute(query.order_by(offset_resets.c.id).limit(limit + 1))).all())
    shown = await _shown(session, rows[:limit])
    return shown, shown[-1].id if len(rows) > limit else None


def _values(reset_id: UUID, router: EventRouter, wanted: OffsetResetIn) -> dict[str, Any]:
    return {
        "id": reset_id,
        "consumer": router.group,
        "topic": wanted.topic,
        "partition": wanted.partition,
        "place": "time" if isinstance(wanted.to, datetime) else wanted.to,
        "place_time": wanted.to if isinstance(wanted.to, datetime) else None,
        "requested_at": clock.now(),
    }


def _audit(session: Session, caller: Principal, action: str, reset_id: UUID, group: str, **details: str) -> None:
    service = group.partition(".")[0]
    audit.record(session, service, caller, action=action, target=str(reset_id), details={"group": group, **details})


async def _shown(session: Session, rows: Sequence[Any]) -> list[OffsetResetOut]:
    applied = offset_reset_partitions.c
    query = select(offset_reset_partitions).where(
        applied.reset_id.in_([row.id for row in rows]), applied.applied_at.is_not(None)
    )
    found = (await session.execute(query.order_by(applied.partition))).all()
    return [_out(row, [one for one in found if one.reset_id == row.id]) for row in rows]


def _out(row: Any, applied: Sequence[Any]) -> OffsetResetOut:
    return OffsetResetOut(
        id=row.id,
        group=row.consumer,
        topic=row.topic,
        partition=row.partition,
        to=row.place_time.isoformat() if row.place_time else row.place,
        state=_state(row, len(applied)),
        requested_at=row.requested_at,
        cancelled_at=row.cancelled_at,
        applied=[AppliedOut(partition=a.partition, offset=a.offset, applied_at=a.applied_at) for a in applied],
    )


def _state(row: Any, applied: int) -> Literal["requested", "applied", "cancelled"]:
    wanted = row.partitions if row.partition is None else 1
    if wanted is not None and applied >= wanted:
        return "applied"
    return "cancelled" if row.cancelled_at else "requested"
