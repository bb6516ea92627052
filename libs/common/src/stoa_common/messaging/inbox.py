"""The inbox: each event takes effect at most once per consumer, and never after a later one of its key."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# One round trip: is the key parked, is the event new, is it ahead of what the key has seen?
_ADMIT = text("""
WITH behind AS (
    SELECT 1 FROM parked WHERE consumer = :consumer AND topic = :topic AND key = :key AND NOT :retry LIMIT 1
), fresh AS (
    INSERT INTO inbox (consumer, event_id, handled_at)
    SELECT :consumer, :event_id, :at WHERE NOT EXISTS (SELECT 1 FROM behind)
    ON CONFLICT DO NOTHING RETURNING 1
), ahead AS (
    INSERT INTO consumer_marks (consumer, topic, key, sequence)
    SELECT :consumer, :topic, :key, :sequence WHERE NOT :single AND EXISTS (SELECT 1 FROM fresh)
    ON CONFLICT (consumer, topic, key) DO UPDATE SET sequence = excluded.sequence
    WHERE consumer_marks.sequence < excluded.sequence RETURNING 1
)
SELECT EXISTS (SELECT 1 FROM behind) AS behind, EXISTS (SELECT 1 FROM fresh) AS fresh,
       :single OR EXISTS (SELECT 1 FROM ahead) AS ahead
""")


@dataclass(frozen=True, slots=True)
class Admission:
    """`behind`: earlier events of the key are parked. `fresh`: not seen before. `ahead`: nothing later was handled."""

    behind: bool
    fresh: bool
    ahead: bool


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
    at: datetime,
) -> Admission:
    """Enter the event in the inbox, within the handler's transaction; a rollback takes the entry back.

    `retry` is for a parked event itself, which its own row must not block; `single` aggregates keep no mark.
    """
    values = {
        "consumer": consumer,
        "event_id": event_id,
        "topic": topic,
        "key": key,
        "sequence": sequence,
        "single": single,
        "retry": retry,
        "at": at,
    }
    row = (await session.execute(_ADMIT, values)).one()
    return Admission(behind=row.behind, fresh=row.fresh, ahead=row.ahead)
