"""The inbox: each event takes effect at most once per consumer, and never after a later one of its key."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# One round trip: is the group closed for a rebuild, is the key parked, is the event new, is it ahead of what the key
# has seen, was its person erased? The statement has its lock on the inbox before its snapshot: if it waited for whoever
# closed the group (`replay.repository.close_group`), it sees the group closed.
_ADMIT = text("""
WITH closed AS (
    SELECT 1 FROM consumer_groups
    WHERE consumer = :consumer AND rebuilding IS NOT NULL AND rebuilding IS DISTINCT FROM CAST(:replay_id AS uuid)
), behind AS (
    SELECT 1 FROM parked
    WHERE consumer = :consumer AND topic = :topic AND key = :key AND state <> 'discarded' AND NOT :retry
    AND NOT EXISTS (SELECT 1 FROM inbox WHERE consumer = :consumer AND event_id = :event_id) LIMIT 1
), fresh AS (
    INSERT INTO inbox (consumer, event_id, handled_at)
    SELECT :consumer, :event_id, :at WHERE NOT EXISTS (SELECT 1 FROM behind) AND NOT EXISTS (SELECT 1 FROM closed)
    ON CONFLICT DO NOTHING RETURNING 1
), ahead AS (
    INSERT INTO consumer_marks (consumer, topic, key, sequence)
    SELECT :consumer, :topic, :key, :sequence WHERE NOT :single AND EXISTS (SELECT 1 FROM fresh)
    ON CONFLICT (consumer, topic, key) DO UPDATE SET sequence = excluded.sequence
    WHERE consumer_marks.sequence < excluded.sequence RETURNING 1
)
SELECT EXISTS (SELECT 1 FROM closed) AS closed, EXISTS (SELECT 1 FROM behind) AS behind,
       EXISTS (SELECT 1 FROM fresh) AS fresh, :single OR EXISTS (SELECT 1 FROM ahead) AS ahead,
       EXISTS (
           SELECT 1 FROM personal_keys WHERE person_id = CAST(:person_id AS uuid) AND destroyed_at IS NOT NULL
       ) AS erased
""")


@dataclass(frozen=True, slots=True)
class Admission:
    """What the database knows of the event.

    `closed`: the group is being rebuilt, and this is not one of the replayed. `behind`: earlier events of the key are
    parked. `fresh`: not seen before. `ahead`: nothing later was handled. `erased`: its person was, and stays it.
    """

    closed: bool
    behind: bool
    fresh: bool
    ahead: bool
    erased: bool


async def admit(
    session: AsyncSession,
    *,
    consumer: str,
    event_id: UUID,
    topic: str,
    key: str,
    sequence: int,
    single: bool,
    retry: bool,
    replay_id: UUID | None,
    at: datetime,
    person_id: UUID | None = None,
) -> Admission:
    """Enter the event in the inbox, within the handler's transaction; a rollback takes the entry back.

    `retry` is for a parked event itself, which its own row must not block; `single` aggregates keep no mark.
    `person_id` is whom the event is about, unless it is handled whatever became of them.
    """
    values = {
        "consumer": consumer,
        "event_id": event_id,
        "topic": topic,
        "key": key,
        "sequence": sequence,
        "single": single,
        "retry": retry,
        "replay_id": replay_id,
        "person_id": person_id,
        "at": at,
    }
    row = (await session.execute(_ADMIT, values)).one()
    return Admission(closed=row.closed, behind=row.behind, fresh=row.fresh, ahead=row.ahead, erased=row.erased)
