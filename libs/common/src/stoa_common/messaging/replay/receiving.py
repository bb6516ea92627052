"""The reader's side of a replay: records of the group's replay topic are handled as at first, counted, and ended."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

from stoa_common import clock, logs
from stoa_common.database import Database, Session
from stoa_common.messaging.record import Record
from stoa_common.messaging.replay import domain, records, repository
from stoa_common.messaging.replay.domain import State
from stoa_common.messaging.replay.records import EndMarker

log = logs.get_logger()
T = TypeVar("T", bound=str)


class Receiving(Generic[T]):
    """One group's replays, as their records come in. Every step may be repeated."""

    def __init__(self, group: str, database: Database) -> None:
        self.group = group
        self.topic = records.replay_topic(group)
        self._database = database

    async def settle(self, record: Record, settle: Callable[[Record], Awaitable[T]]) -> T | None:
        """What became of the replayed event by `settle`; None where the record was none, or its replay has ended."""
        read = self.read(record)
        if isinstance(read, EndMarker):
            await self.end([read])
        if not isinstance(read, Record) or read.replay_id is None or not await self.is_running(read.replay_id):
            return None
        outcome = await settle(read)
        await self.count(read.replay_id, partition=read.partition, offset=read.offset, added={outcome: 1})
        return outcome

    def read(self, record: Record) -> Record | EndMarker | None:
        try:
            return records.read(record)
        except records.NotReplayed as error:
            log.warning("replay_record_skipped", group=self.group, error=str(error))
            return None

    async def is_running(self, replay_id: UUID) -> bool:
        """Records of a replay that was cancelled are still on the topic."""
        async with self._database.transaction() as session:
            return await repository.is_running(session, replay_id)

    async def count(self, replay_id: UUID, *, partition: int, offset: int, added: dict[str, int]) -> None:
        async with self._database.transaction() as session:
            await repository.count(session, replay_id, partition=partition, offset=offset, added=added)

    async def end(self, markers: Sequence[EndMarker]) -> None:
        """Note that partitions have ended; the last one completes the replay, and opens the group again."""
        for marker in markers:
            async with self._database.transaction() as session:
                row = await repository.find(session, marker.replay_id, lock=True)
                if row is not None and row.consumer == self.group and row.state == State.RUNNING:
                    await _end(session, row, marker)


async def _end(session: Session, row: Any, marker: EndMarker) -> None:
    await repository.add_end(
        session,
        {
            "replay_id": marker.replay_id,
            "publisher": marker.publisher,
            "partition": marker.partition,
            "partitions": marker.partitions,
            "sent": marker.sent,
        },
    )
    ended = {end.publisher for end in await repository.ends(session, [row.id]) if end.ended >= end.partitions}
    if ended >= set(domain.publishers_of(row.topics)):
        await _complete(session, row)


async def _complete(session: Session, row: Any) -> None:
    await repository.change(session, row.id, state=State.COMPLETED, ended_at=clock.now())
    if row.is_rebuild:
        await repository.open_group(session, row.consumer, replay_id=row.id)
        await repository.change_group(session, row.consumer, needs_rebuild=False)
    log.info("replay_completed", group=row.consumer, replay_id=str(row.id), rebuild=row.is_rebuild)
