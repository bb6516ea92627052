"""Request, show and cancel replays of a service's groups."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from stoa_common import audit, clock, outbox
from stoa_common.database import Session
from stoa_common.ids import new_id
from stoa_common.messaging.replay import domain, repository
from stoa_common.messaging.replay.domain import State, Wanted
from stoa_common.messaging.replay.schemas import CountsOut, PublisherOut, ReplayOut
from stoa_common.messaging.router import EventRouter
from stoa_common.security import Principal
from stoa_events.contracts.operations import operations_of


async def request_replay(
    session: Session, router: EventRouter, wanted: Wanted, *, caller: Principal, inbox: timedelta
) -> ReplayOut:
    """Note the replay; the group's consumers start it, and tell the publishers. Raises what `domain.check` raises."""
    domain.check(wanted, router, at=clock.now(), inbox=inbox)
    if not wanted.rebuild and await repository.rebuilding(session, router.group):
        raise domain.GroupNeedsItsRebuild(f"A rebuild of {router.group} was cancelled half-way: ask for a rebuild.")
    replay_id = new_id()
    await repository.insert_replay(session, _values(replay_id, router, wanted))
    details = {"group": router.group, "rebuild": str(wanted.rebuild).lower(), "rate": str(wanted.rate)}
    _audit(session, router.group, caller, "replay.request", replay_id, details)
    return await get_replay(session, replay_id, groups=[router.group])


async def cancel_replay(session: Session, replay_id: UUID, *, groups: Sequence[str], caller: Principal) -> ReplayOut:
    """Stop a replay; one that has ended stays as it is.

    A rebuild that has emptied its tables leaves them half filled and the group closed, until another completes.
    """
    row = await repository.find(session, replay_id, lock=True)
    if row is None or row.consumer not in groups:
        raise domain.ReplayNotFound("There is no such replay.")
    if row.state in (State.REQUESTED, State.RUNNING):
        await _cancel(session, row)
        _audit(session, row.consumer, caller, "replay.cancel", replay_id, {"group": row.consumer})
    return await get_replay(session, replay_id, groups=groups)


async def get_replay(session: Session, replay_id: UUID, *, groups: Sequence[str]) -> ReplayOut:
    """Raises ReplayNotFound."""
    row = await repository.find(session, replay_id)
    if row is None or row.consumer not in groups:
        raise domain.ReplayNotFound("There is no such replay.")
    return (await _shown(session, [row]))[0]


async def list_replays(
    session: Session, *, groups: Sequence[str], after: UUID | None, limit: int
) -> tuple[list[ReplayOut], UUID | None]:
    """A page, and the id to go on from."""
    rows = await repository.list_after(session, consumers=groups, after=after, limit=limit + 1)
    shown = await _shown(session, rows[:limit])
    return shown, shown[-1].id if len(rows) > limit else None


def _values(replay_id: UUID, router: EventRouter, wanted: Wanted) -> dict[str, Any]:
    return {
        "id": replay_id,
        "consumer": router.group,
        "topics": domain.topics_of(wanted, router),
        "types": domain.types_of(wanted, router),
        "key": wanted.key,
        "recorded_from": wanted.recorded_from,
        "recorded_until": wanted.recorded_until,
        "rate": wanted.rate,
        "is_rebuild": wanted.rebuild,
        "state": State.REQUESTED,
        "requested_at": clock.now(),
    }


async def _cancel(session: Session, row: Any) -> None:
    at = clock.now()
    await repository.change(session, row.id, state=State.CANCELLED, ended_at=at)
    if row.state == State.REQUESTED:
        # The group may have been closed already, but nothing of it is emptied yet.
        await repository.open_group(session, row.consumer, replay_id=row.id)
        return
    contract = operations_of(row.consumer.partition(".")[0]).replay_cancelled
    outbox.add(session, contract(replay_id=row.id, cancelled_at=at))


def _audit(
    session: Session, group: str, caller: Principal, action: str, replay_id: UUID, details: dict[str, str]
) -> None:
    service = group.partition(".")[0]
    audit.record(session, service, caller, action=action, target=str(replay_id), details=details)


async def _shown(session: Session, rows: Sequence[Any]) -> list[ReplayOut]:
    ids = [row.id for row in rows]
    counted, ended = await repository.counts(session, ids), await repository.ends(session, ids)
    return [
        _out(row, counted.get(row.id, {}), {e.publisher: e for e in ended if e.replay_id == row.id}) for row in rows
    ]


def _out(row: Any, counted: dict[str, int], ended: dict[str, Any]) -> ReplayOut:
    publishers = [_publisher(name, ended.get(name)) for name in domain.publishers_of(row.topics)]
    return ReplayOut(
        id=row.id,
        group=row.consumer,
        types=row.types,
        key=row.key,
        recorded_from=row.recorded_from,
        recorded_until=row.recorded_until,
        rate=row.rate,
        rebuild=row.is_rebuild,
        state=row.state,
        reason=row.reason,
        requested_at=row.requested_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        counts=CountsOut(sent=sum(p.sent or 0 for p in publishers), **counted),
        publishers=publishers,
    )


def _publisher(name: str, end: Any) -> PublisherOut:
    if end is None:
        return PublisherOut(publisher=name)
    return PublisherOut(publisher=name, sent=end.sent, has_ended=end.ended >= end.partitions)
