"""What operators see of a service's groups, and do with what these could not handle."""

from collections.abc import Mapping, Sequence, Set
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from stoa_common import audit, clock
from stoa_common.database import Session
from stoa_common.messaging import parking
from stoa_common.messaging.kafka import Cluster
from stoa_common.messaging.operations import domain, provider, repository
from stoa_common.messaging.operations.schemas import (
    BadEventContentOut,
    BadEventOut,
    EditIn,
    GroupOut,
    ParkedContentOut,
    ParkedCountsOut,
    ParkedOut,
    PartitionOut,
)
from stoa_common.messaging.router import EventRouter
from stoa_common.pages import Page, decode_cursor, encode_cursor
from stoa_common.security import Principal

Groups = Mapping[str, EventRouter]
_BAD_PLACE = (str, str, int, int)


class Kept(NamedTuple):
    """What the service's database says of its groups; nothing where it has none."""

    parked: Sequence[Any] = ()
    bad: Mapping[str, int] = MappingProxyType({})
    rebuilds: Set[str] = frozenset()
    replays: Mapping[str, UUID] = MappingProxyType({})


async def list_groups(session: Session | None, groups: Groups, *, cluster: Cluster) -> list[GroupOut]:
    """Every group, how far it is, and what it could not handle. Raises KafkaIsAway."""
    told = await provider.standings(cluster, {name: topics_of(router) for name, router in groups.items()})
    kept = Kept() if session is None else await _kept(session)
    return [
        GroupOut(
            group=name,
            door="on" if router.subscriptions else "batch",
            topics=topics_of(router),
            types=sorted(router.subscriptions),
            **_standing_out(told[name]),
            parked=_counts_out([row for row in kept.parked if row.consumer == name]),
            bad_events=kept.bad.get(name, 0),
            active_replay=kept.replays.get(name),
            needs_rebuild=name in kept.rebuilds,
        )
        for name, router in sorted(groups.items())
    ]


async def _kept(session: Session) -> Kept:
    return Kept(
        parked=await parking.count(session),
        bad=await repository.count_bad(session),
        rebuilds=await repository.groups_to_rebuild(session),
        replays=await repository.active_replays(session),
    )


def topics_of(router: EventRouter) -> list[str]:
    """What a group reads, by whatever door."""
    return sorted({*router.topics, *(topic for batch in router.batches for topic in batch.topics)})


def _standing_out(standings: Sequence[provider.Standing]) -> dict[str, Any]:
    partitions = [PartitionOut.model_validate(standing) for standing in standings]
    return {
        "partitions": partitions,
        "lag": sum(partition.lag for partition in partitions),
        "oldest_at": min((p.oldest_at for p in partitions if p.oldest_at is not None), default=None),
    }


def _counts_out(rows: Sequence[Any]) -> ParkedCountsOut:
    counts = {row.state: row.events for row in rows}
    oldest = min((row.oldest_parked_at for row in rows if row.state != parking.DISCARDED), default=None)
    return ParkedCountsOut(**counts, oldest_parked_at=oldest)


async def list_parked(
    session: Session, groups: Groups, *, wanted: Mapping[str, str | None], after: str | None, limit: int
) -> Page[ParkedOut]:
    """Parked events in the order in which they were parked. Raises GroupNotFound for a group that is not there."""
    if (group := wanted.get("group")) is not None:
        refuse_unknown(groups, group)
    position = decode_cursor(after, [int])[0] if after is not None else 0
    rows = await repository.list_parked(session, wanted, after=position, limit=limit + 1)
    following = encode_cursor([rows[limit - 1].position]) if len(rows) > limit else None
    return Page(items=[ParkedOut(**_parked_out(row)) for row in rows[:limit]], next=following)


def refuse_unknown(groups: Groups, name: str) -> EventRouter:
    """The group; raises GroupNotFound, which names those that are there."""
    if name not in groups:
        raise domain.GroupNotFound(f"There is no group {name} here; there are {', '.join(sorted(groups))}.")
    return groups[name]


def _audit(session: Session, caller: Principal, action: str, row: Any, **details: str) -> None:
    """Note what was done to a record, in the transaction that does it."""
    service, _, _ = row.consumer.partition(".")
    place = f"{row.topic}-{row.partition}-{row.offset}"
    event_id = domain.find(row.headers, "ce_id") or ""
    told = {"group": row.consumer, "event_id": event_id, **details}
    audit.record(session, service, caller, action=action, target=place, details=told)


def _parked_out(row: Any) -> dict[str, Any]:
    return {
        **row._mapping,
        "group": row.consumer,
        "type": domain.find(row.headers, "ce_type"),
        "event_id": domain.find(row.headers, "ce_id"),
        "next_try_at": row.next_try_at if row.state == parking.WAITING else None,
    }


async def show_parked(session: Session, position: int, *, caller: Principal) -> ParkedContentOut:
    """A parked event with its data, which is noted in the audit log. Raises ParkedEventNotFound."""
    row = await repository.get_parked(session, position)
    _audit(session, caller, "parked.show", row)
    return ParkedContentOut(**_parked_out(row), **domain.shown(row.value))


async def retry_parked(session: Session, position: int, *, caller: Principal) -> ParkedOut:
    """Make an event due now; the schedule of a dead one begins anew. Raises EventIsBeingTried, EventIsDiscarded."""
    row = await _lock(session, position)
    attempts = 0 if row.state == parking.DEAD else row.attempts
    await repository.change_parked(session, position, state=parking.WAITING, attempts=attempts, next_try_at=clock.now())
    _audit(session, caller, "parked.retry", row)
    return await _told(session, position)


async def edit_parked(session: Session, groups: Groups, position: int, edit: EditIn, *, caller: Principal) -> ParkedOut:
    """Change headers or data; the event waits as before. Raises EventKeepsItsId, EditIsUnreadable."""
    row = await _lock(session, position)
    headers = domain.mended(row.headers, edit.headers)
    value = _new_value(edit, row.value)
    router = groups.get(row.consumer)
    handled = {name: s.event for name, s in router.subscriptions.items()} if router else {}
    domain.refuse_unreadable((row.headers, row.value), (headers, value), handled=handled, force=edit.force)
    await repository.change_parked(session, position, headers=headers, value=value, edited_at=clock.now())
    changed = [*edit.headers, *(["data"] if value != row.value else [])]
    _audit(session, caller, "parked.edit", row, changed=", ".join(changed), forced=str(edit.force).lower())
    return await _told(session, position)


def _new_value(edit: EditIn, kept: bytes | None) -> bytes | None:
    if edit.has_data:
        return domain.encoded(edit.data)
    return kept if edit.data_base64 is None else domain.decoded(edit.data_base64)


async def discard_parked(session: Session, position: int, *, reason: str, caller: Principal) -> ParkedOut:
    """Give an event up for good: it stays, those behind it follow, and should it come again, it is a duplicate."""
    row = await _lock(session, position)
    await repository.change_parked(session, position, state=parking.DISCARDED)
    if (event_id := domain.readable_id(row.headers)) is not None:
        await repository.enter_in_inbox(session, row.consumer, event_id, at=clock.now())
    _audit(session, caller, "parked.discard", row, reason=reason)
    return await _told(session, position)


async def _lock(session: Session, position: int) -> Any:
    row = await repository.lock_parked(session, position)
    domain.refuse_discarded(row.state)
    return row


async def _told(session: Session, position: int) -> ParkedOut:
    return ParkedOut(**_parked_out(await repository.get_parked(session, position)))


async def list_bad_events(
    session: Session, groups: Groups, *, group: str | None, after: str | None, limit: int
) -> Page[BadEventOut]:
    """What batch groups could not read, by group and place. Raises GroupNotFound."""
    if group is not None:
        refuse_unknown(groups, group)
    place = decode_cursor(after, _BAD_PLACE) if after is not None else None
    rows = await repository.list_bad(session, group, after=place, limit=limit + 1)
    last = rows[limit - 1] if len(rows) > limit else None
    following = encode_cursor([last.consumer, last.topic, last.partition, last.offset]) if last else None
    return Page(items=[BadEventOut(**_bad_out(row)) for row in rows[:limit]], next=following)


async def show_bad_event(
    session: Session, *, group: str, topic: str, partition: int, offset: int, caller: Principal
) -> BadEventContentOut:
    """One of them with its value, which is noted in the audit log. Raises BadEventNotFound."""
    row = await repository.get_bad(session, group, topic, partition, offset)
    _audit(session, caller, "bad-event.show", row)
    return BadEventContentOut(**_bad_out(row), **domain.shown(row.value))


def _bad_out(row: Any) -> dict[str, Any]:
    return {**row._mapping, "group": row.consumer}
