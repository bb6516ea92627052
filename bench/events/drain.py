"""How fast the relay drains a full outbox, and with how many statements."""

import time
from dataclasses import dataclass
from typing import Any

from asyncpg.connection import Connection

from bench.events.place import Place
from stoa_common.messaging.relay import Relay

# What outbox.write() leaves behind, made by one statement: 1 KB of data an event, 5,000 aggregates.
_FILL = """
WITH made AS (
    SELECT gen_random_uuid() AS id, md5((n % 5000)::text)::uuid::text AS key, n / 5000 + 1 AS sequence
    FROM generate_series(0, $1::integer - 1) AS n ORDER BY n
), logged AS (
    INSERT INTO event_log (recorded_at, id, topic, key, type, sequence, headers, data)
    SELECT now(), id, 'content.course', key, 'stoa.content.course.imported.v1', sequence,
        jsonb_build_object('content-type', 'application/json', 'ce_specversion', '1.0', 'ce_id', id,
            'ce_source', '/content', 'ce_type', 'stoa.content.course.imported.v1', 'ce_subject', key,
            'ce_time', now()::text, 'ce_dataschema', 'urn:stoa:content:course:imported:v1',
            'ce_sequence', sequence::text,
            'ce_orgid', id, 'ce_correlationid', id, 'traceparent', '00-' || md5(key) || '-00f067aa0ba902b7-01'),
        jsonb_build_object('course_id', key, 'title', left(repeat(md5(id::text) || md5(key), 15), 960))::text
    FROM made
)
INSERT INTO outbox (shard, key, event_id, recorded_at)
SELECT ('x' || left(md5(key), 4))::bit(16)::integer % 8, key, id, now() FROM made
"""


@dataclass(frozen=True, slots=True)
class Drained:
    events_per_second: float
    statements_per_event: float


async def measure(place: Place, *, events: int) -> Drained:
    """One drain of a full outbox by one relay."""
    database = place.database(waits_for_disk=False)
    async with database.driver() as connection:
        await connection.execute(_FILL, events)
        await connection.execute("ANALYZE")
    counted = Counted()
    relay = Relay(database, place.cluster)
    await relay.drain_once()
    async with database.driver() as connection:
        left = await connection.fetchval("SELECT count(*) FROM outbox")
    counted.watch()
    start = time.perf_counter()
    while await relay.drain_once():
        pass
    seconds = time.perf_counter() - start
    counted.stop()
    await relay.close()
    await database.close()
    return Drained(left / seconds, counted.statements / left)


class Counted:
    """Statements that go to the server, transactions' begin and end included."""

    def __init__(self) -> None:
        self.statements = 0
        self._replaced: dict[str, Any] = {}

    def watch(self) -> None:
        for name in ("fetch", "fetchval", "execute"):
            self._replaced[name] = getattr(Connection, name)
            setattr(Connection, name, self._counting(self._replaced[name]))

    def stop(self) -> None:
        for name, original in self._replaced.items():
            setattr(Connection, name, original)

    def _counting(self, original: Any) -> Any:
        async def counted(connection: object, *arguments: object, **named: object) -> object:
            self.statements += 1
            return await original(connection, *arguments, **named)

        return counted
